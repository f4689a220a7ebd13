"""Facts as they arrive, through progress' own handlers: some late, or all in a random order."""

import random
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from benchmarks.progress.ground import Report, cohort, created, question
from services.progress.domain.patient import Patient as Known
from services.progress.domain.record import PatientRecord
from services.progress.domain.verdicts import judge
from services.progress.handlers import HANDLERS
from shared.events.base import Fact
from shared.events.clinical import AdverseEvent, Reading
from shared.events.intake import (
    AdverseEventRecorded,
    MeasurementCorrected,
    MeasurementRecorded,
    MeasurementVoided,
    SessionLogged,
    SessionVoided,
)
from shared.events.progress import AdverseEventReported, MilestoneReached, MilestoneRetracted
from stride.trials.cohorts import Patient
from stride.trials.courses import CLINIC, MINUTES, PATIENT, START, Timeline
from stride.trials.figures import Share, share

_SESSIONS, _LATE_SHARE = 24, 0.10
_WEEK, _LONG = 2, 5
"""How many sessions a late reading comes late at the most: a week, or two and a half."""
_ORDERS_A_PATIENT, _SHORT = 20, 12
_WHO: dict[str, Any] = {"clinic_id": CLINIC, "patient_id": PATIENT}


def late(seed: int, patients: int, report: Report) -> dict[str, Any]:
    """Of true responders' milestones, those taken back because a tenth of the readings came late."""
    week, longer = (_taken_back(seed, sessions, patients, report) for sessions in (_WEEK, _LONG))
    return {
        "late_retracted": week.percent,
        "late_5_sessions_retracted": longer.percent,
        "intervals": {"late_retracted": week.interval, "late_5_sessions_retracted": longer.interval},
    }


def _taken_back(seed: int, late_by: int, patients: int, report: Report) -> Share:
    rng, asked = random.Random(f"{seed}/late/{late_by}"), question(_SESSIONS)
    taken_back: list[bool] = []
    for someone in cohort(seed, "full", _SESSIONS, patients, report):
        _, told = _applied([created(), *_some_late(rng, asked.timeline, someone, late_by)])
        kinds = {type(fact) for fact in told if getattr(fact, "milestone", "") == asked.rule.milestone}
        if MilestoneReached in kinds:
            taken_back.append(MilestoneRetracted in kinds)
    return share(taken_back)


def orders(seed: int, orders: int, report: Report) -> dict[str, Any]:
    """How many of so many random orders of arrival end in another state than the order of time."""
    rng, asked = random.Random(f"{seed}/orders"), question(_SHORT)
    tried, astray = 0, 0
    for someone in cohort(seed, "full", _SHORT, orders // _ORDERS_A_PATIENT, lambda _: None):
        report(f"orders of arrival: {tried:,} of {orders:,}")
        facts = [created(), *_some_late(rng, asked.timeline, someone, _LONG), *_mishaps(rng, asked.timeline)]
        expected = _state(*_applied(facts))
        for _ in range(_ORDERS_A_PATIENT):
            mixed = [*facts, *rng.choices(facts, k=3)]
            rng.shuffle(mixed)
            tried, astray = tried + 1, astray + (_state(*_applied(mixed)) != expected)
    return {"orders": {"tried": tried, "astray": astray}}


def _applied(facts: Iterable[Fact]) -> tuple[Known, list[Fact]]:
    """The last state, and all that was told on the way."""
    known, told = Known(PatientRecord(CLINIC, PATIENT)), list[Fact]()
    for fact in facts:
        decision = HANDLERS[type(fact)](known, fact, START)
        known = decision.state
        told += decision.facts
    return known, told


def _state(known: Known, told: Iterable[Fact]) -> Any:
    """What must not depend on the order: the record, the verdicts, standing milestones, worst grades."""
    standing: set[str] = set()
    grades: dict[str, int] = {}
    for fact in told:
        match fact:
            case MilestoneReached():
                standing.add(fact.milestone)
            case MilestoneRetracted():
                standing.discard(fact.milestone)
            case AdverseEventReported():
                grades[fact.adverse_event_id] = max(fact.grade, grades.get(fact.adverse_event_id, 0))
            case _:
                pass
    return known.record._replace(published={}), judge(known.record), standing, grades


def _some_late(rng: random.Random, timeline: Timeline, someone: Patient, late_by: int) -> list[Fact]:
    """Sessions with their readings, in the order of arrival; a tenth of these is told on its own, and late."""
    arriving: list[tuple[float, Fact]] = []
    for session, value in zip(timeline.read_at, someone.taken, strict=True):
        reading = None if value is None else _reading(timeline, session, value)
        late = rng.uniform(0, late_by) if session and rng.random() < _LATE_SHARE else 0.0
        if reading and (late or not session):
            alone = MeasurementRecorded(**_WHO, plan_id=created().plan_id, reading=reading)
            arriving.append((session + late, alone))
        if session:
            arriving.append((session, _session(timeline, session, None if late else reading)))
    return [fact for _, fact in sorted(arriving, key=lambda arrival: arrival[0])]


def _session(timeline: Timeline, number: int, reading: Reading | None) -> SessionLogged:
    return SessionLogged(
        **_WHO,
        session_id=f"s-{number:03}",
        plan_id=created().plan_id,
        started_at=timeline.moment(number),
        minutes=MINUTES,
        readings=(reading,) if reading else (),
    )


def _reading(timeline: Timeline, session: int, value: float) -> Reading:
    spec = question(_SESSIONS).spec
    return Reading(
        measurement_id=f"{spec.measure}-{session:03}",
        measure=spec.measure,
        value=value,
        unit=spec.unit,
        effective_at=timeline.moment(session),
    )


def _mishaps(rng: random.Random, timeline: Timeline) -> Iterator[Fact]:
    """Corrections, voids and adverse events, somewhere in the course."""
    sessions = range(1, len(timeline.days) + 1)
    for revision in range(1, 3):
        wrong = _reading(timeline, rng.choice(sessions), float(rng.randint(0, 10)))
        yield MeasurementCorrected(**_WHO, revision=revision, reading=wrong)
    spec = question(_SESSIONS).spec
    now = timeline.moment(len(timeline.days)) + timedelta(days=1)
    yield MeasurementVoided(**_WHO, measurement_id=f"{spec.measure}-{rng.choice(sessions):03}", voided_at=now)
    yield SessionVoided(**_WHO, session_id=f"s-{rng.choice(sessions):03}", voided_at=now)
    yield AdverseEventRecorded(
        **_WHO,
        adverse_event=AdverseEvent(
            adverse_event_id="ae-1", grade=rng.randint(1, 4), term="bruise", occurred_at=timeline.moment(5)
        ),
    )
