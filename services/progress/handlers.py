"""Which fact leads to which decision."""

from services.progress.domain import decide
from shared.events import console, intake
from shared.events.base import Fact
from shared.messaging.message import Handler

HANDLERS: dict[type[Fact], Handler] = {
    intake.PlanCreated: decide.open_course,
    intake.PlanAdjusted: decide.adjust_course,
    intake.PlanEnded: decide.end_course,
    intake.SessionLogged: decide.record_session,
    intake.SessionVoided: decide.void_session,
    intake.MeasurementRecorded: decide.record_reading,
    intake.MeasurementCorrected: decide.correct_reading,
    intake.MeasurementVoided: decide.void_reading,
    intake.RecoveryExpected: decide.expect_recovery,
    intake.AdverseEventRecorded: decide.record_adverse_event,
    console.PlanAdjustmentApproved: decide.note_approval,
    console.PlanAdjustmentDeclined: decide.note_decline,
}
