"""Which input leads to which decision."""

from services.intake.domain import adjustments, calendars, consultations, patients, recording
from services.intake.domain.inputs import ConditionRead, EncounterRead, PatientRead
from shared.events.base import Fact
from shared.events.calendars import CalendarChanged
from shared.events.console import (
    AlertActionRequested,
    DeskActionRequested,
    PlanAdjustmentApproved,
    PlanAdjustmentDeclined,
)
from shared.events.intake import (
    AdverseEventRecorded,
    AppointmentChangeRequested,
    ConsultationCompleted,
    MeasurementCorrected,
    MeasurementRecorded,
    MeasurementVoided,
    PatientRegistered,
    PatientUpdated,
    PlanEnded,
    RecoveryExpected,
    SessionLogged,
    SessionVoided,
)
from shared.events.progress import PlanAdjustmentProposed
from shared.messaging.message import Handler

HANDLERS: dict[type[Fact], Handler] = {
    PatientRegistered: patients.register,
    PatientUpdated: patients.update,
    PatientRead: patients.read_patient,
    ConsultationCompleted: consultations.complete,
    EncounterRead: consultations.read_encounter,
    ConditionRead: consultations.read_condition,
    SessionLogged: recording.log_session,
    SessionVoided: recording.void,
    MeasurementRecorded: recording.record_measurement,
    MeasurementCorrected: recording.record_measurement,
    MeasurementVoided: recording.void,
    RecoveryExpected: recording.expect_recovery,
    AdverseEventRecorded: recording.record_adverse_event,
    AppointmentChangeRequested: recording.request_change,
    AlertActionRequested: recording.ask_about_alert,
    DeskActionRequested: recording.ask_desk,
    PlanAdjustmentProposed: adjustments.keep_proposal,
    PlanAdjustmentApproved: adjustments.approve,
    PlanAdjustmentDeclined: adjustments.decline,
    PlanEnded: adjustments.end,
    CalendarChanged: calendars.change_calendar,
}
