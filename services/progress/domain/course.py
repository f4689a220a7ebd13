"""One course of care: its sessions in time order and its series of readings."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple, TypeVar

from services.progress.domain.record import AdverseEvent, PatientRecord, Plan, Reading, Session, Terms
from services.progress.domain.series import Series, begun, followed, place, series_name, series_of

T = TypeVar("T")

LEAD = timedelta(days=42)
"""Records from so long before a course's first day, and of no course before it, count to it."""

_SETTLED = 2
"""From the second session on, baselines do not change by what comes later; before it there are none."""
_EVER, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Stage(NamedTuple):
    """The time since a plan was last adjusted: its version, its ladder step, its first day."""

    version: int
    step: int
    since: date


class Course(NamedTuple):
    """What a plan's verdicts rest on: only what counts, in time order."""

    plan_id: str
    terms: Terms
    stage: Stage
    ended: bool
    steps_back: tuple[Stage, ...]
    """The stages that began with a step back: so many tapers have failed."""
    sessions: tuple[Session, ...]
    series: Mapping[str, Series]
    """By name: one for each measure, side and device."""
    adverse_events: tuple[AdverseEvent, ...]
    """The patient's, whichever course they came up in: safety knows no plan."""

    def series_of_measure(self, measure: str | None) -> list[Series]:
        """The series of one measure: one for each side and device."""
        return [series for series in self.series.values() if series.spec.measure == measure]


class Fresh(NamedTuple):
    """What a course has that a part of it, which was judged before, has not."""

    since: datetime
    """The moment before which that part is all of the course."""
    sessions: int
    """How many sessions that part has."""
    readings: Mapping[str, int]
    """Of each series with fresh readings, how many that part has."""

    @classmethod
    def all_of(cls, course: Course) -> "Fresh":
        """Everything: nothing was judged before."""
        begins = [session.started_at for session in course.sessions[:1]]
        begins += [series.readings[0].effective_at for series in course.series.values()]
        return cls(min(begins, default=_NEVER), 0, dict.fromkeys(course.series, 0))


def courses_of(record: PatientRecord) -> list[Course]:
    """The patient's courses whose plan is known, by plan id."""
    plans = sorted(record.plans.values(), key=lambda plan: plan.plan_id)
    spans = _spans(plans)
    sessions = _by_plan(spans, _valid_sessions(record))
    readings = _by_plan(spans, _valid_readings(record))
    events = tuple(sorted(e for e in record.adverse_events.values() if e.session_id not in record.voided_sessions))
    return [
        _course(plan, _terms(plan.terms, plan), sessions.get(plan.plan_id, []), readings.get(plan.plan_id, []), events)
        for plan in plans
        if plan.terms
    ]


def course_at(record: PatientRecord, moment: datetime) -> str | None:
    """Which course a record of `moment` that names no plan belongs to, as far as is known."""
    return _plan_at(_spans(record.plans.values()), moment)


def continued(course: Course, session: Session | None, readings: Iterable[Reading]) -> tuple[Course, Fresh] | None:
    """The course with a session and readings that all come after what it has; None where they don't.

    Equal to sorting everything anew, at a fraction of the work: the usual case.
    """
    sessions, known = course.sessions, course.series
    if session and (len(sessions) == _SETTLED - 1 or (sessions and _begun(session) <= _begun(sessions[-1]))):
        return None
    longer = _longer(course, readings)
    if longer is None:
        return None
    since = session.started_at if session else _NEVER
    fresh: dict[str, int] = {}
    for name, series in longer.items():
        fresh[name] = at = len(known[name].readings) if name in known else 0
        since = min(since, series.readings[at].effective_at)
    all_series = {**known, **longer}
    if len(all_series) > len(known):
        all_series = dict(sorted(all_series.items()))
    more = course._replace(sessions=(*sessions, session) if session else sessions, series=all_series)
    return more, Fresh(since, len(sessions), fresh)


def _longer(course: Course, readings: Iterable[Reading]) -> Mapping[str, Series] | None:
    """The series that grow by readings, each at its end; None where one comes before something known."""
    settled_until = course.sessions[_SETTLED - 1].started_at if len(course.sessions) >= _SETTLED else _EVER
    grown: dict[str, Series] = {}
    for reading in readings:
        spec = followed(reading, course.terms)
        if spec is None:
            continue
        name = series_name(reading, spec)
        series = grown.get(name) or course.series.get(name)
        if reading.effective_at <= settled_until or (series and place(reading) <= place(series.readings[-1])):
            return None
        grown[name] = series.followed_by(reading) if series else begun(name, spec, reading)
    return grown


def _terms(terms: Terms, plan: Plan) -> Terms:
    return terms.with_curves(plan.curves) if plan.curves else terms


def _course(
    plan: Plan, terms: Terms, sessions: list[Session], readings: list[Reading], events: tuple[AdverseEvent, ...]
) -> Course:
    held = tuple(sorted(sessions, key=_begun))
    first = Stage(1, terms.step, date.min)
    stages = (first, *(Stage(*adjustment) for adjustment in plan.adjustments))
    second_session = held[_SETTLED - 1].started_at if len(held) >= _SETTLED else None
    return Course(
        plan_id=plan.plan_id,
        terms=terms,
        stage=stages[-1],
        ended=plan.ended_at is not None,
        steps_back=tuple(after for before, after in pairwise(stages) if after.step < before.step),
        sessions=held,
        series=series_of(terms, readings, second_session),
        adverse_events=events,
    )


def _begun(session: Session) -> tuple[datetime, str]:
    return session.started_at, session.session_id


def _valid_sessions(record: PatientRecord) -> Iterable[tuple[str | None, datetime, Session]]:
    for session in record.sessions.values():
        if session.session_id not in record.voided_sessions:
            yield session.plan_id, session.started_at, session


def _valid_readings(record: PatientRecord) -> Iterable[tuple[str | None, datetime, Reading]]:
    for reading in record.readings.values():
        if reading.measurement_id not in record.voided_readings and reading.session_id not in record.voided_sessions:
            yield reading.plan_id, reading.effective_at, reading


def _by_plan(spans: Sequence["_Span"], items: Iterable[tuple[str | None, datetime, T]]) -> Mapping[str, list[T]]:
    sorted_out: dict[str, list[T]] = defaultdict(list)
    for plan_id, moment, item in items:
        owner = plan_id or _plan_at(spans, moment)
        if owner:
            sorted_out[owner].append(item)
    return sorted_out


class _Span(NamedTuple):
    starts_on: date
    ends_on: date
    plan_id: str


def _spans(plans: Iterable[Plan]) -> list[_Span]:
    return sorted(
        _Span(plan.terms.starts_on, plan.ended_at.date() if plan.ended_at else date.max, plan.plan_id)
        for plan in plans
        if plan.terms
    )


def _plan_at(spans: Sequence[_Span], moment: datetime) -> str | None:
    """The course that had started latest by that day and was not over, else the next one to start.

    Days are UTC days: facts carry no time zone.
    """
    day = moment.date()
    running = [span for span in spans if span.ends_on >= day]
    started = [span for span in running if span.starts_on <= day]
    if started:
        return started[-1].plan_id
    return running[0].plan_id if running and running[0].starts_on <= day + LEAD else None
