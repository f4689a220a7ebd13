"""A patient's courses of care, folded from the facts: only what counts, at its newest."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple, TypeVar

from shared.events.base import Fact
from shared.events.clinical import Reading
from shared.events.intake import (
    MeasurementCorrected,
    MeasurementRecorded,
    MeasurementVoided,
    PlanCreated,
    PlanEnded,
    SessionLogged,
    SessionVoided,
)
from shared.events.progress import BaselineSet, MilestoneReached, MilestoneRetracted
from shared.events.scheduling import AppointmentFact

F = TypeVar("F", bound=Fact)

LEAD: Final = timedelta(days=42)
"""Records from so long before a course's first day, and of no course before it, count to it."""


class Taken(NamedTuple):
    """A reading at its highest revision, with the plan and session that any of its records names."""

    revision: int
    reading: Reading
    plan_id: str | None
    session_id: str | None


class Course(NamedTuple):
    """One course of care."""

    plan: PlanCreated
    ended: PlanEnded | None
    sessions: tuple[SessionLogged, ...]
    """In time order, without voided ones."""
    readings: tuple[Reading, ...]
    """In time order, without voided ones."""
    baselines: tuple[BaselineSet, ...]
    """The newest of each series."""
    milestones: tuple[MilestoneReached, ...]
    """Those that stand."""
    appointments: tuple[AppointmentFact, ...]
    """At their newest version, by start."""


def courses_of(facts: Iterable[Fact]) -> list[Course]:
    """The courses whose plan is known, by plan id."""
    known = sorted(facts, key=lambda fact: fact.event_id)
    ends = {fact.plan_id: fact for fact in _of(known, PlanEnded)}
    plans = sorted(_of(known, PlanCreated), key=lambda plan: plan.plan_id)
    spans = _spans(plans, ends)
    voided = {fact.session_id for fact in _of(known, SessionVoided)}
    sessions = [session for session in _of(known, SessionLogged) if session.session_id not in voided]
    readings = [taken for taken in _readings(known).values() if taken.session_id not in voided]
    return [
        Course(
            plan=plan,
            ended=ends.get(plan.plan_id),
            sessions=_sessions_of(plan.plan_id, sessions, spans),
            readings=_readings_of(plan.plan_id, readings, spans),
            baselines=_baselines_of(plan.plan_id, known),
            milestones=_standing_of(plan.plan_id, known),
            appointments=_appointments_of(plan.plan_id, known),
        )
        for plan in plans
    ]


def same_series(reading: Reading, baseline: BaselineSet) -> bool:
    """Whether a reading belongs to the series of a baseline: by measure, side, device, and the rater of gradings."""
    return (reading.measure, reading.side, reading.device) == (baseline.measure, baseline.side, baseline.device) and (
        baseline.rater in {None, reading.rater}
    )


def _of(facts: Iterable[Fact], kind: type[F]) -> list[F]:
    return [fact for fact in facts if isinstance(fact, kind)]


def _sessions_of(
    plan_id: str, sessions: Iterable[SessionLogged], spans: "Sequence[_Span]"
) -> tuple[SessionLogged, ...]:
    held = [s for s in sessions if (s.plan_id or _plan_at(spans, s.started_at)) == plan_id]
    return tuple(sorted(held, key=lambda session: (session.started_at, session.session_id)))


def _readings_of(plan_id: str, readings: Iterable[Taken], spans: "Sequence[_Span]") -> tuple[Reading, ...]:
    taken = [t.reading for t in readings if (t.plan_id or _plan_at(spans, t.reading.effective_at)) == plan_id]
    return tuple(sorted(taken, key=lambda reading: (reading.effective_at, reading.measurement_id)))


def _readings(facts: Sequence[Fact]) -> Mapping[str, Taken]:
    """All readings by measurement id, without voided ones."""
    newest: dict[str, Taken] = {}
    for taken in _told(facts):
        known = newest.get(taken.reading.measurement_id)
        newest[taken.reading.measurement_id] = _merged(known, taken) if known else taken
    for voided in _of(facts, MeasurementVoided):
        newest.pop(voided.measurement_id, None)
    return newest


def _told(facts: Sequence[Fact]) -> Iterable[Taken]:
    for session in _of(facts, SessionLogged):
        for reading in session.readings:
            yield Taken(0, reading, session.plan_id, session.session_id)
    for recorded in _of(facts, MeasurementRecorded):
        yield Taken(0, recorded.reading, recorded.plan_id, None)
    for corrected in _of(facts, MeasurementCorrected):
        yield Taken(corrected.revision, corrected.reading, None, None)


def _merged(known: Taken, other: Taken) -> Taken:
    """The newer content, with the plan and session that either names: progress takes it the same way."""
    newer = max(known, other, key=lambda taken: (taken.revision, repr(taken.reading)))
    return newer._replace(
        plan_id=max(known.plan_id or "", other.plan_id or "") or None,
        session_id=max(known.session_id or "", other.session_id or "") or None,
    )


def _baselines_of(plan_id: str, facts: Sequence[Fact]) -> tuple[BaselineSet, ...]:
    newest: dict[str, BaselineSet] = {}
    for fact in _of(facts, BaselineSet):
        name = fact.natural_key.rpartition("/")[0]
        if fact.plan_id == plan_id and (name not in newest or fact.revision > newest[name].revision):
            newest[name] = fact
    return tuple(newest[name] for name in sorted(newest))


def _standing_of(plan_id: str, facts: Sequence[Fact]) -> tuple[MilestoneReached, ...]:
    """Milestones whose latest occurrence was not taken back."""
    retracted = {fact.natural_key for fact in _of(facts, MilestoneRetracted)}
    standing = [
        fact for fact in _of(facts, MilestoneReached) if fact.plan_id == plan_id and fact.natural_key not in retracted
    ]
    return tuple(sorted(standing, key=lambda fact: (fact.reached_at, fact.natural_key)))


def _appointments_of(plan_id: str, facts: Sequence[Fact]) -> tuple[AppointmentFact, ...]:
    newest: dict[str, AppointmentFact] = {}
    for kind in AppointmentFact.__subclasses__():
        for fact in _of(facts, kind):
            known = newest.get(fact.appointment_id)
            if fact.plan_id == plan_id and (known is None or fact.appointment_version > known.appointment_version):
                newest[fact.appointment_id] = fact
    return tuple(sorted(newest.values(), key=lambda fact: (fact.start, fact.appointment_id)))


class _Span(NamedTuple):
    starts_on: date
    ends_on: date
    plan_id: str


def _spans(plans: Iterable[PlanCreated], ends: Mapping[str, PlanEnded]) -> list[_Span]:
    return sorted(
        _Span(plan.starts_on, ends[plan.plan_id].ended_at.date() if plan.plan_id in ends else date.max, plan.plan_id)
        for plan in plans
    )


def _plan_at(spans: Sequence[_Span], moment: datetime) -> str | None:
    """The course that a record of `moment` belongs to that names none, as progress has it (docs/progress.md)."""
    day = moment.date()
    running = [span for span in spans if span.ends_on >= day]
    started = [span for span in running if span.starts_on <= day]
    if started:
        return started[-1].plan_id
    return running[0].plan_id if running and running[0].starts_on <= day + LEAD else None
