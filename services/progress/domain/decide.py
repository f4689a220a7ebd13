"""One function per incoming fact: keep it, then publish what changed by it.

None of them looks at `now`: a rebuild from the log must judge as it was judged the first time.
"""

from collections.abc import Sequence
from datetime import datetime

from services.progress.domain import keeping
from services.progress.domain.course import course_at
from services.progress.domain.keeping import Kept
from services.progress.domain.news import News
from services.progress.domain.patient import Patient, having_told, judged_with
from services.progress.domain.publication import news_of
from services.progress.domain.record import PatientRecord, ProposalAnswer, Published, Subject
from shared.events import clinical
from shared.events.console import PlanAdjustmentApproved, PlanAdjustmentDeclined, ProposalDecision
from shared.events.intake import (
    AdverseEventRecorded,
    MeasurementCorrected,
    MeasurementRecorded,
    MeasurementVoided,
    PlanAdjusted,
    PlanCreated,
    PlanEnded,
    RecoveryExpected,
    SessionLogged,
    SessionVoided,
)
from shared.events.progress import AdverseEventReported, RetractionCause
from shared.messaging.message import Decision

Decided = Decision[Patient]

_UNTOLD = Published(0, False, None)


def open_course(patient: Patient, fact: PlanCreated, now: datetime) -> Decided:
    """A plan's terms: its sessions and readings, also those that came before it, count from now on."""
    return _decided(patient, Kept(keeping.keep_plan(patient.record, fact)), "late")


def adjust_course(patient: Patient, fact: PlanAdjusted, now: datetime) -> Decided:
    """A new version and step of a plan."""
    return _decided(patient, Kept(keeping.keep_adjustment(patient.record, fact)), "late")


def end_course(patient: Patient, fact: PlanEnded, now: datetime) -> Decided:
    """Nothing more is proposed for the plan."""
    return _decided(patient, Kept(keeping.keep_end(patient.record, fact)), "late")


def record_session(patient: Patient, fact: SessionLogged, now: datetime) -> Decided:
    """A session, its readings and its adverse events."""
    kept = keeping.keep_session(patient.record, fact)
    return _decided(patient, kept, "late", _reports(kept.record, fact, fact.session_id, fact.adverse_events))


def record_adverse_event(patient: Patient, fact: AdverseEventRecorded, now: datetime) -> Decided:
    """An adverse event told outside a session record."""
    events = (fact.adverse_event,)
    kept = keeping.keep_adverse_events(patient.record, fact.session_id or "", events)
    return _decided(patient, Kept(kept), "late", _reports(kept, fact, fact.session_id, events))


def void_session(patient: Patient, fact: SessionVoided, now: datetime) -> Decided:
    """A session that was recorded in error."""
    return _decided(patient, Kept(keeping.void_session(patient.record, fact.session_id)), "void")


def record_reading(patient: Patient, fact: MeasurementRecorded, now: datetime) -> Decided:
    """A reading taken outside a session."""
    reading = keeping.reading_of(fact.reading, plan_id=fact.plan_id)
    return _decided(patient, keeping.keep_readings(patient.record, [reading]), "late")


def correct_reading(patient: Patient, fact: MeasurementCorrected, now: datetime) -> Decided:
    """A reading was wrong."""
    reading = keeping.reading_of(fact.reading, revision=fact.revision)
    return _decided(patient, keeping.keep_readings(patient.record, [reading]), "correction")


def void_reading(patient: Patient, fact: MeasurementVoided, now: datetime) -> Decided:
    """A reading that was recorded in error."""
    return _decided(patient, Kept(keeping.void_reading(patient.record, fact.measurement_id)), "void")


def expect_recovery(patient: Patient, fact: RecoveryExpected, now: datetime) -> Decided:
    """A clinician says what to expect: a milestone with an expected curve can be judged from now on."""
    return _decided(patient, Kept(keeping.keep_curve(patient.record, fact)), "correction")


def note_approval(patient: Patient, fact: PlanAdjustmentApproved, now: datetime) -> Decided:
    """A clinician said yes: the plan's next version will follow from intake."""
    return _answered(patient, fact, approved=True)


def note_decline(patient: Patient, fact: PlanAdjustmentDeclined, now: datetime) -> Decided:
    """A clinician said no: not proposed again until four more sessions."""
    return _answered(patient, fact, approved=False)


def _answered(patient: Patient, fact: ProposalDecision, *, approved: bool) -> Decided:
    answer = ProposalAnswer(fact.proposal_id, fact.decided_at, approved)
    return _decided(patient, Kept(keeping.keep_answer(patient.record, answer)), "late")


def _decided(patient: Patient, kept: Kept, cause: RetractionCause, first: Sequence[News] = ()) -> Decided:
    """Judge what was kept and tell what is new; `first` goes out before it.

    `cause` is why a milestone that is no longer confirmed would be taken back.
    """
    if kept.record is patient.record:
        return Decision(patient)
    judged, changes = judged_with(patient, kept)
    news = [*first, *(item for change in changes for item in news_of(kept.record, *change, cause))]
    if not news:
        return Decision(judged)
    return Decision(having_told(judged, news), tuple(item.fact for item in news))


def _reports(
    record: PatientRecord,
    fact: SessionLogged | AdverseEventRecorded,
    session_id: str | None,
    events: Sequence[clinical.AdverseEvent],
) -> list[News]:
    """Report each event once, and again only if it turns out worse.

    Neither a missing plan nor a voided session holds a report back: one too many costs a look.
    """
    if not events:
        return []
    worst = {event.adverse_event_id: event for event in sorted(events, key=lambda event: event.grade)}
    return [
        _report(record, fact, session_id, event)
        for event in worst.values()
        if event.grade > record.published.get(_told_of(event), _UNTOLD).number
    ]


def _report(
    record: PatientRecord,
    fact: SessionLogged | AdverseEventRecorded,
    session_id: str | None,
    event: clinical.AdverseEvent,
) -> News:
    reported = AdverseEventReported(
        clinic_id=record.clinic_id,
        patient_id=record.patient_id,
        plan_id=fact.plan_id or course_at(record, event.occurred_at),
        session_id=session_id,
        adverse_event_id=event.adverse_event_id,
        grade=event.grade,
        term=event.term,
        occurred_at=event.occurred_at,
    )
    return News(_told_of(event), Published(event.grade, True, None), reported)


def _told_of(event: clinical.AdverseEvent) -> Subject:
    return Subject("adverse-event", "", event.adverse_event_id)
