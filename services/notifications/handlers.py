"""Which fact leads to which decision."""

from datetime import datetime
from functools import wraps
from typing import Final

from services.notifications.domain.alerts import celebrate, raise_alert, retract
from services.notifications.domain.appointments import follow_appointment
from services.notifications.domain.asked import act
from services.notifications.domain.daily import DigestDue, report_gap, send_digest
from services.notifications.domain.deliveries import to_systems
from services.notifications.domain.escalation import AlertTimerDue, wake
from services.notifications.domain.handling import (
    AcknowledgementGiven,
    AssignmentGiven,
    ResolutionGiven,
    SnoozeGiven,
    acknowledge,
    assign,
    resolve,
    snooze,
)
from services.notifications.domain.offers import pass_on
from services.notifications.domain.patients import learn_contact
from services.notifications.domain.plans import end_plan, note_plan
from services.notifications.domain.proof import ProofWished, send_proof
from services.notifications.domain.rebooking import wish_another_time
from services.notifications.domain.state import Patient
from services.notifications.domain.stranded import release
from services.notifications.domain.wishes import ChoicesGiven, choose
from shared.events import intake, progress, scheduling
from shared.events.base import Fact
from shared.events.console import AlertActionRequested
from shared.events.notifications import RebookingWished, RosterGapFound
from shared.events.operations import EventsReleased, EventsStranded
from shared.flow import FLOW
from shared.messaging.message import Decision, Handler

_DECIDED: Final[dict[type[Fact], Handler]] = {
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
    scheduling.WaitlistOffered: pass_on,
    progress.MilestoneReached: celebrate,
    progress.MilestoneRetracted: retract,
    progress.MilestoneNotEvaluable: raise_alert,
    progress.RegressionDetected: raise_alert,
    progress.PlateauSuspected: raise_alert,
    progress.AdverseEventReported: raise_alert,
    progress.PlanAdjustmentProposed: raise_alert,
    progress.PlanReviewDue: raise_alert,
    RebookingWished: wish_another_time,
    AlertActionRequested: act,
    RosterGapFound: report_gap,
    EventsStranded: raise_alert,
    EventsReleased: release,
    DigestDue: send_digest,
    AcknowledgementGiven: acknowledge,
    AssignmentGiven: assign,
    SnoozeGiven: snooze,
    ResolutionGiven: resolve,
    AlertTimerDue: wake,
    ChoicesGiven: choose,
    ProofWished: send_proof,
}


def _telling_systems(handler: Handler) -> Handler:
    """`handler`, and webhook calls about its fact and about the facts that follow, where somebody wants them."""

    @wraps(handler)
    def decide(patient: Patient, fact: Fact, now: datetime) -> Decision[Patient]:
        decision: Decision[Patient] = handler(patient, fact, now)
        if not patient.desk.subscribers:
            return decision
        told = (fact, *decision.facts)
        calls = [call for one in told for call in to_systems(patient, one, now)]
        return Decision(decision.state.with_deliveries(*calls), decision.facts) if calls else decision

    return decide


HANDLERS: Final[dict[type[Fact], Handler]] = {fact: _telling_systems(handler) for fact, handler in _DECIDED.items()}
TOLD_TO_SYSTEMS: Final = frozenset(
    fact.NAME
    for fact in (*FLOW["notifications"].consumes, *FLOW["notifications"].publishes)
    if not fact.NAME.startswith("notification.")
)
"""What a clinic system may subscribe to."""
