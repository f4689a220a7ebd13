"""How intake is rebuilt from the log: all that it keeps it has published, but for FHIR's halves of a consultation."""

from typing import Final

from services.intake.domain import recording, told
from shared.events import calendars, console, intake, progress
from shared.rebuild.read_back import ReadBack

_HALVES: Final = ("encounters", "conditions", "withdrawn", "joined")
_TAKEN_OVER: Final = ", ".join(f"'{name}', theirs.document -> '{name}'" for name in _HALVES)
_EMPTY: Final = (
    '{{"revision": 0, "plans": {{}}, "ended": {{}}, "proposals": {{}}, "verdicts": {{}}, "encounters": {{}}, '
    '"conditions": {{}}, "withdrawn": [], "joined": {{}}}}'
)
_FHIR: Final = (
    f"""
    UPDATE {{rebuilt}}.patient_file AS ours SET document = ours.document || jsonb_build_object({_TAKEN_OVER})
    FROM {{running}}.patient_file AS theirs
    WHERE (ours.clinic_id, ours.patient_id) = (theirs.clinic_id, theirs.patient_id)
    """,  # noqa: S608
    # A registration that came as FHIR has the revision of its resource, which the fact has no place for.
    """
    UPDATE {rebuilt}.patient_file AS ours
    SET document = ours.document || jsonb_build_object('revision', theirs.document -> 'revision')
    FROM {running}.patient_file AS theirs
    WHERE (ours.clinic_id, ours.patient_id) = (theirs.clinic_id, theirs.patient_id)
        AND ours.document -> 'contact' = theirs.document -> 'contact'
        AND ours.document -> 'revision' < theirs.document -> 'revision'
    """,
    f"""
    INSERT INTO {{rebuilt}}.patient_file (clinic_id, patient_id, document)
    SELECT clinic_id, patient_id, '{_EMPTY}'::jsonb || jsonb_build_object({_TAKEN_OVER})
    FROM {{running}}.patient_file AS theirs
    WHERE theirs.document -> 'encounters' <> '{{{{}}}}' OR theirs.document -> 'conditions' <> '{{{{}}}}'
        OR theirs.document -> 'withdrawn' <> '[]'
    ON CONFLICT DO NOTHING
    """,  # noqa: S608
)
_OLDER_DETAILS: Final = """
    INSERT INTO {rebuilt}.record SELECT * FROM {running}.record
    WHERE name IN ('patient.registered', 'patient.updated') ON CONFLICT DO NOTHING
"""

READ_BACK: Final = ReadBack(
    handlers={
        intake.PatientRegistered: told.registered,
        intake.PatientUpdated: told.updated,
        intake.ConsultationCompleted: told.recorded,
        intake.PlanCreated: told.planned,
        intake.PlanWithheld: told.withheld,
        intake.PlanAdjusted: told.adjusted,
        intake.PlanEnded: told.ended,
        intake.SessionLogged: told.recorded,
        intake.SessionVoided: recording.void,
        intake.MeasurementRecorded: told.recorded,
        intake.MeasurementCorrected: told.recorded,
        intake.MeasurementVoided: recording.void,
        intake.RecoveryExpected: told.recorded,
        intake.AdverseEventRecorded: told.recorded,
        intake.AppointmentChangeRequested: recording.request_change,
        console.AlertActionRequested: recording.ask_about_alert,
        console.DeskActionRequested: recording.ask_desk,
        calendars.CalendarChanged: told.recorded,
        progress.PlanAdjustmentProposed: told.proposed,
        console.PlanAdjustmentApproved: told.decided,
        console.PlanAdjustmentDeclined: told.decided,
    },
    finish=(*_FHIR, _OLDER_DETAILS),
    not_in_log=(
        "FHIR Encounters and Conditions, and which of them became consultations: intake publishes the consultation",
        "the revision of a registration that came as FHIR",
        "that older details of a patient were recorded: patient.* keeps the newest",
    ),
)
