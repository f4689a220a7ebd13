"""Which fact leads to which decision."""

from typing import Final

from services.notifications.domain.alerts import AcknowledgementGiven, acknowledge, celebrate, raise_alert, retract
from services.notifications.domain.appointments import follow_appointment
from services.notifications.domain.patients import learn_contact
from services.notifications.domain.plans import end_plan, note_plan
from shared.events import intake, progress, scheduling
from shared.events.base import Fact
from shared.messaging.message import Handler

HANDLERS: Final[dict[type[Fact], Handler]] = {
    intake.PatientRegistered: learn_contact,
    intake.PatientUpdated: learn_contact,
    intake.PlanCreated: note_plan,
    intake.PlanAdjusted: note_plan,
    intake.PlanEnded: end_plan,
    intake.PlanWithheld: raise_alert,
    scheduling.AppointmentBooked: follow_appointment,
    scheduling.AppointmentMoved: follow_appointment,
    scheduling.AppointmentCancelled: follow_appointment,
    scheduling.AppointmentMissed: follow_appointment,
    scheduling.CourseUnschedulable: raise_alert,
    progress.MilestoneReached: celebrate,
    progress.MilestoneRetracted: retract,
    progress.MilestoneNotEvaluable: raise_alert,
    progress.RegressionDetected: raise_alert,
    progress.PlateauSuspected: raise_alert,
    progress.AdverseEventReported: raise_alert,
    progress.PlanAdjustmentProposed: raise_alert,
    progress.PlanReviewDue: raise_alert,
    AcknowledgementGiven: acknowledge,
}
