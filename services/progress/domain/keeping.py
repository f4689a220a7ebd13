"""Taking facts into a patient's record. Each function returns the same record when nothing is new."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple

from services.progress.domain.record import (
    Adjustment,
    AdverseEvent,
    Curve,
    PatientRecord,
    Plan,
    ProposalAnswer,
    Reading,
    Session,
    Terms,
)
from shared.events import clinical
from shared.events.intake import PlanAdjusted, PlanCreated, PlanEnded, RecoveryExpected, SessionLogged


class Added(NamedTuple):
    """A session and readings that a record did not have before."""

    session: Session | None
    readings: tuple[Reading, ...]


class Kept(NamedTuple):
    """A record with one fact more; `added` where it only has more than before, and nothing else differs."""

    record: PatientRecord
    added: Added | None = None


def keep_plan(record: PatientRecord, fact: PlanCreated) -> PatientRecord:
    """The terms of a course. One plan id has one plan: the first holds."""
    plan = record.plans.get(fact.plan_id, Plan(fact.plan_id))
    if plan.terms is not None:
        return record
    terms = _shared(
        Terms(
            protocol_id=fact.protocol_id,
            protocol_version=fact.protocol_version,
            side=fact.side,
            starts_on=fact.starts_on,
            step=fact.step,
            rungs=tuple(step.name for step in fact.ladder),
            measures=fact.measures,
            milestones=fact.milestones,
            review_sessions=tuple(sorted(set(fact.review_sessions))),
        )
    )
    return _with_plan(record, replace(plan, terms=terms))


@lru_cache(maxsize=512)
def _shared(terms: Terms) -> Terms:
    """Equal terms are one object: patients of one protocol have the same, and there are many patients."""
    return terms


def keep_adjustment(record: PatientRecord, fact: PlanAdjusted) -> PatientRecord:
    """A version of a plan, also when the plan itself has not come yet."""
    plan = record.plans.get(fact.plan_id, Plan(fact.plan_id))
    if any(known.version == fact.plan_version for known in plan.adjustments):
        return record
    adjustment = Adjustment(fact.plan_version, fact.step, fact.effective_on)
    return _with_plan(record, replace(plan, adjustments=tuple(sorted((*plan.adjustments, adjustment)))))


def keep_end(record: PatientRecord, fact: PlanEnded) -> PatientRecord:
    """The end of a plan; of two, the earlier."""
    plan = record.plans.get(fact.plan_id, Plan(fact.plan_id))
    if plan.ended_at is not None and plan.ended_at <= fact.ended_at:
        return record
    return _with_plan(record, replace(plan, ended_at=fact.ended_at))


def keep_curve(record: PatientRecord, fact: RecoveryExpected) -> PatientRecord:
    """What a clinician expects of a milestone: the highest revision holds."""
    plan = record.plans.get(fact.plan_id, Plan(fact.plan_id))
    known = {curve.milestone: curve for curve in plan.curves}
    curve = Curve(fact.milestone, fact.revision, fact.curve)
    newest = max(known.get(curve.milestone, curve), curve, key=lambda each: (each.revision, repr(each.points)))
    if known.get(curve.milestone) == newest:
        return record
    curves = {**known, curve.milestone: newest}
    return _with_plan(record, replace(plan, curves=tuple(curves[name] for name in sorted(curves))))


def keep_session(record: PatientRecord, fact: SessionLogged) -> Kept:
    """A session with its readings and adverse events. One session id has one record: the first holds."""
    if fact.session_id in record.sessions:
        return Kept(record)
    ended_at = fact.started_at + timedelta(minutes=fact.minutes)
    session = Session(fact.session_id, fact.plan_id, fact.started_at, ended_at)
    taken = [reading_of(reading, plan_id=fact.plan_id, session_id=fact.session_id) for reading in fact.readings]
    readings, new = _with_readings(record.readings, taken)
    record = record._replace(sessions={**record.sessions, session.session_id: session}, readings=readings)
    if fact.adverse_events:
        return Kept(keep_adverse_events(record, fact.session_id, fact.adverse_events))
    return Kept(record, None if new is None else Added(session, new))


def reading_of(
    reading: clinical.Reading, *, revision: int = 0, plan_id: str | None = None, session_id: str | None = None
) -> Reading:
    """A reading as the record keeps it."""
    # By position, in the record's order: names cost three times as much, and this is done for every reading.
    return Reading(
        reading.measurement_id,
        revision,
        reading.measure,
        reading.value,
        reading.unit,
        reading.effective_at,
        reading.side.value if reading.side else None,
        reading.device,
        reading.rater,
        reading.enrolment,
        plan_id,
        session_id,
    )


def keep_readings(record: PatientRecord, taken: Sequence[Reading]) -> Kept:
    """Readings, original or corrected: the highest revision of a measurement holds."""
    readings, new = _with_readings(record.readings, taken)
    if readings == record.readings:
        return Kept(record)
    return Kept(record._replace(readings=readings), None if new is None else Added(None, new))


def _with_readings(
    known: Mapping[str, Reading], taken: Sequence[Reading]
) -> tuple[Mapping[str, Reading], tuple[Reading, ...] | None]:
    """The readings with `taken`; and those that are new, or None where one was there in another form."""
    new: dict[str, Reading] = {}
    for reading in taken:
        other = new.get(reading.measurement_id) or known.get(reading.measurement_id)
        new[reading.measurement_id] = _merged(other, reading) if other else reading
    return ({**known, **new} if new else known), (tuple(new.values()) if new.keys().isdisjoint(known) else None)


def _merged(known: Reading, other: Reading) -> Reading:
    """The newer content, with the plan and session that either names.

    A correction names neither, and may come before its original. Two records of one revision that
    differ are a fault of the sender; the choice must only not depend on which came first.
    """
    newer = max(known, other, key=lambda reading: (reading.revision, repr(reading[2:10])))
    return newer._replace(
        plan_id=max(known.plan_id or "", other.plan_id or "") or None,
        session_id=max(known.session_id or "", other.session_id or "") or None,
    )


def keep_adverse_events(
    record: PatientRecord, session_id: str, events: Iterable[clinical.AdverseEvent]
) -> PatientRecord:
    """Adverse events as told by one session, or by a report of their own; the worst grade holds."""
    kept = dict(record.adverse_events)
    for event in events:
        told = AdverseEvent(event.adverse_event_id, session_id, event.grade, event.occurred_at)
        key = (told.adverse_event_id, session_id)
        kept[key] = max(told, kept.get(key, told))
    return record if kept == record.adverse_events else record._replace(adverse_events=kept)


def keep_answer(record: PatientRecord, answer: ProposalAnswer) -> PatientRecord:
    """A decision on a proposal; of two, the earlier."""
    known = record.answers.get(answer.proposal_id)
    if known is not None and known <= answer:
        return record
    return record._replace(answers={**record.answers, answer.proposal_id: answer})


def void_session(record: PatientRecord, session_id: str) -> PatientRecord:
    """The session, its readings and its adverse events do not count, whether they have come or not."""
    if session_id in record.voided_sessions:
        return record
    return record._replace(voided_sessions=record.voided_sessions | {session_id})


def void_reading(record: PatientRecord, measurement_id: str) -> PatientRecord:
    """The reading does not count, whether it has come or not."""
    if measurement_id in record.voided_readings:
        return record
    return record._replace(voided_readings=record.voided_readings | {measurement_id})


def _with_plan(record: PatientRecord, plan: Plan) -> PatientRecord:
    return record._replace(plans={**record.plans, plan.plan_id: plan})
