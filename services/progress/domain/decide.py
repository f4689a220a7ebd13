"""One function per incoming fact: keep it, then publish what changed by it.

None of them looks at `now`: a rebuild from the log must judge as it was judged the first time.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.progress.domain import keeping
from services.progress.domain.course import course_at
from services.progress.domain.publication import publish
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
    SessionLogged,
    SessionVoided,
)
from shared.events.progress import AdverseEventReported, RetractionCause
from shared.messaging.message import Decision

Decided = Decision[PatientRecord]


def open_course(record: PatientRecord, fact: PlanCreated, now: datetime) -> Decided:
    """A plan's terms: its sessions and readings, also those that came before it, count from now on."""
    return _publish_if_new(record, keeping.keep_plan(record, fact), "late")


def adjust_course(record: PatientRecord, fact: PlanAdjusted, now: datetime) -> Decided:
    """A new version and step of a plan."""
    return _publish_if_new(record, keeping.keep_adjustment(record, fact), "late")


def end_course(record: PatientRecord, fact: PlanEnded, now: datetime) -> Decided:
    """Nothing more is proposed for the plan."""
    return _publish_if_new(record, keeping.keep_end(record, fact), "late")


def record_session(record: PatientRecord, fact: SessionLogged, now: datetime) -> Decided:
    """A session, its readings and its adverse events."""
    kept = keeping.keep_session(record, fact)
    reported = _report(kept, fact, fact.session_id, fact.adverse_events)
    return _after_report(reported, _publish_if_new(record, reported.state, "late"))


def record_adverse_event(record: PatientRecord, fact: AdverseEventRecorded, now: datetime) -> Decided:
    """An adverse event told outside a session record."""
    kept = keeping.keep_adverse_events(record, fact.session_id or "", (fact.adverse_event,))
    reported = _report(kept, fact, fact.session_id, (fact.adverse_event,))
    return _after_report(reported, _publish_if_new(record, reported.state, "late"))


def void_session(record: PatientRecord, fact: SessionVoided, now: datetime) -> Decided:
    """A session that was recorded in error."""
    return _publish_if_new(record, keeping.void_session(record, fact.session_id), "void")


def record_reading(record: PatientRecord, fact: MeasurementRecorded, now: datetime) -> Decided:
    """A reading taken outside a session."""
    reading = keeping.reading_of(fact.reading, plan_id=fact.plan_id)
    return _publish_if_new(record, keeping.keep_readings(record, [reading]), "late")


def correct_reading(record: PatientRecord, fact: MeasurementCorrected, now: datetime) -> Decided:
    """A reading was wrong."""
    reading = keeping.reading_of(fact.reading, revision=fact.revision)
    return _publish_if_new(record, keeping.keep_readings(record, [reading]), "correction")


def void_reading(record: PatientRecord, fact: MeasurementVoided, now: datetime) -> Decided:
    """A reading that was recorded in error."""
    return _publish_if_new(record, keeping.void_reading(record, fact.measurement_id), "void")


def note_approval(record: PatientRecord, fact: PlanAdjustmentApproved, now: datetime) -> Decided:
    """A clinician said yes: the plan's next version will follow from intake."""
    return _answered(record, fact, approved=True)


def note_decline(record: PatientRecord, fact: PlanAdjustmentDeclined, now: datetime) -> Decided:
    """A clinician said no: not proposed again until four more sessions."""
    return _answered(record, fact, approved=False)


def _answered(record: PatientRecord, fact: ProposalDecision, *, approved: bool) -> Decided:
    answer = ProposalAnswer(fact.proposal_id, fact.decided_at, approved)
    return _publish_if_new(record, keeping.keep_answer(record, answer), "late")


def _publish_if_new(before: PatientRecord, after: PatientRecord, cause: RetractionCause) -> Decided:
    return Decision(before) if after is before else publish(after, cause)


def _after_report(reported: Decided, decided: Decided) -> Decided:
    """Adverse events go first: nothing may delay them."""
    return Decision(decided.state, (*reported.facts, *decided.facts))


def _report(
    record: PatientRecord,
    fact: SessionLogged | AdverseEventRecorded,
    session_id: str | None,
    events: Sequence[clinical.AdverseEvent],
) -> Decided:
    """Report each event once, and again only if it turns out worse.

    Neither a missing plan nor a voided session holds a report back: one too many costs a look.
    """
    published, facts = dict(record.published), list[AdverseEventReported]()
    for event in events:
        subject = Subject("adverse-event", "", event.adverse_event_id)
        known = published.get(subject)
        if known is None or known.number < event.grade:
            published[subject] = Published(event.grade, True, None)
            facts.append(
                AdverseEventReported(
                    clinic_id=record.clinic_id,
                    patient_id=record.patient_id,
                    plan_id=fact.plan_id or course_at(record, event.occurred_at),
                    session_id=session_id,
                    adverse_event_id=event.adverse_event_id,
                    grade=event.grade,
                    term=event.term,
                    occurred_at=event.occurred_at,
                )
            )
    return Decision(replace(record, published=published) if facts else record, tuple(facts))
