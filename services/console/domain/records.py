"""What was recorded of a patient: sessions, readings and adverse events, each at its newest and with its course."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple, TypeVar

from shared.events.base import Fact
from shared.events.clinical import AdverseEvent, Reading
from shared.events.intake import (
    AdverseEventRecorded,
    MeasurementCorrected,
    MeasurementRecorded,
    MeasurementVoided,
    PlanCreated,
    PlanEnded,
    SessionLogged,
    SessionVoided,
)

F = TypeVar("F", bound=Fact)

LEAD: Final = timedelta(days=42)
"""Records from so long before a course's first day, and of no course before it, count to it."""

ReadingState = Literal["as-recorded", "amended", "corrected", "voided"]
"""`amended`: something other than the value was changed."""


class SessionRecord(NamedTuple):
    """A session, the course it belongs to, and whether it was recorded in error."""

    session: SessionLogged
    plan_id: str | None
    voided: bool

    @property
    def ended_at(self) -> datetime:
        """When the session ended."""
        return self.session.started_at + timedelta(minutes=self.session.minutes)


class ReadingRecord(NamedTuple):
    """A reading at its highest revision, and where it belongs; voided with its session, too."""

    reading: Reading
    state: ReadingState
    plan_id: str | None
    session_id: str | None


class AdverseEventRecord(NamedTuple):
    """An adverse event at its worst grade; not those that only voided sessions tell of."""

    event: AdverseEvent
    plan_id: str | None
    session_id: str | None


class Records(NamedTuple):
    """All that was recorded, each in time order."""

    plans: tuple[PlanCreated, ...]
    ends: Mapping[str, PlanEnded]
    sessions: tuple[SessionRecord, ...]
    readings: tuple[ReadingRecord, ...]
    adverse_events: tuple[AdverseEventRecord, ...]


def of_kind(facts: Iterable[Fact], kind: type[F]) -> list[F]:
    """The facts of one kind."""
    return [fact for fact in facts if isinstance(fact, kind)]


def records_of(facts: Iterable[Fact]) -> Records:
    """The records that the facts of one patient tell of, whatever order they come in."""
    known = sorted(facts, key=lambda fact: fact.event_id)
    ends = {fact.plan_id: fact for fact in of_kind(known, PlanEnded)}
    plans = sorted(of_kind(known, PlanCreated), key=lambda plan: plan.plan_id)
    courses = _Courses(plans, ends)
    voided = {fact.session_id for fact in of_kind(known, SessionVoided)}
    return Records(
        plans=tuple(plans),
        ends=ends,
        sessions=tuple(_sessions(known, courses, voided)),
        readings=tuple(_readings(known, courses, voided)),
        adverse_events=tuple(_adverse_events(known, courses, voided)),
    )


class _Courses:
    """Which course a record belongs to that names none, as progress has it (docs/progress.md)."""

    def __init__(self, plans: Iterable[PlanCreated], ends: Mapping[str, PlanEnded]) -> None:
        self._spans = sorted(
            (plan.starts_on, ends[plan.plan_id].ended_at.date() if plan.plan_id in ends else date.max, plan.plan_id)
            for plan in plans
        )

    def at(self, moment: datetime) -> str | None:
        """The course that had started latest by that day and was not over, else the next to start soon."""
        day = moment.date()
        running = [(starts_on, plan_id) for starts_on, ends_on, plan_id in self._spans if ends_on >= day]
        started = [plan_id for starts_on, plan_id in running if starts_on <= day]
        if started:
            return started[-1]
        return running[0][1] if running and running[0][0] <= day + LEAD else None


def _sessions(facts: Sequence[Fact], courses: _Courses, voided: set[str]) -> list[SessionRecord]:
    records = [
        SessionRecord(session, session.plan_id or courses.at(session.started_at), session.session_id in voided)
        for session in of_kind(facts, SessionLogged)
    ]
    return sorted(records, key=lambda record: (record.session.started_at, record.session.session_id))


class _Told(NamedTuple):
    """A reading as one fact tells it."""

    revision: int
    reading: Reading
    plan_id: str | None
    session_id: str | None


def _readings(facts: Sequence[Fact], courses: _Courses, voided_sessions: set[str]) -> list[ReadingRecord]:
    voided = {fact.measurement_id for fact in of_kind(facts, MeasurementVoided)}
    told: dict[str, list[_Told]] = defaultdict(list)
    for one in _all_told(facts):
        told[one.reading.measurement_id].append(one)
    records: list[ReadingRecord] = []
    for measurement_id, versions in told.items():
        newest = max(versions, key=lambda one: (one.revision, repr(one.reading)))
        plan_id = max(one.plan_id or "" for one in versions) or courses.at(newest.reading.effective_at)
        session_id = max(one.session_id or "" for one in versions) or None
        gone = measurement_id in voided or session_id in voided_sessions
        records.append(
            ReadingRecord(newest.reading, "voided" if gone else _state(newest, versions), plan_id, session_id)
        )
    return sorted(records, key=lambda record: (record.reading.effective_at, record.reading.measurement_id))


def _all_told(facts: Sequence[Fact]) -> Iterable[_Told]:
    for session in of_kind(facts, SessionLogged):
        for reading in session.readings:
            yield _Told(0, reading, session.plan_id, session.session_id)
    for recorded in of_kind(facts, MeasurementRecorded):
        yield _Told(0, recorded.reading, recorded.plan_id, None)
    for corrected in of_kind(facts, MeasurementCorrected):
        yield _Told(corrected.revision, corrected.reading, None, None)


def _state(newest: _Told, versions: Iterable[_Told]) -> ReadingState:
    if newest.revision == 0:
        return "as-recorded"
    value = (newest.reading.value, newest.reading.unit)
    unchanged = all((one.reading.value, one.reading.unit) == value for one in versions if one.revision == 0)
    known = any(one.revision == 0 for one in versions)
    return "amended" if known and unchanged else "corrected"


def _adverse_events(facts: Sequence[Fact], courses: _Courses, voided: set[str]) -> list[AdverseEventRecord]:
    told: dict[str, list[AdverseEventRecord]] = defaultdict(list)
    for session in of_kind(facts, SessionLogged):
        for event in session.adverse_events if session.session_id not in voided else ():
            told[event.adverse_event_id].append(AdverseEventRecord(event, session.plan_id, session.session_id))
    for recorded in of_kind(facts, AdverseEventRecorded):
        if recorded.session_id not in voided:
            event = recorded.adverse_event
            told[event.adverse_event_id].append(AdverseEventRecord(event, recorded.plan_id, recorded.session_id))
    worst = [max(records, key=lambda record: (record.event.grade, repr(record))) for records in told.values()]
    placed = [one._replace(plan_id=one.plan_id or courses.at(one.event.occurred_at)) for one in worst]
    return sorted(placed, key=lambda record: (record.event.occurred_at, record.event.adverse_event_id))
