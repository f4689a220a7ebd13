"""What each course adds to the clinic's weekly figures: a week is that of its Monday, in UTC.

- `outcome/<measure>`: the change toward better from the baseline to the last three readings up to session 12,
  in the week of that session; in the measure's unit, or in percent where its scale is logarithmic. Gradings
  have none: grades are compared, never averaged.
- `completion`: of the courses that ended, 1 where completed or discharged, 0 where withdrawn; transfers and
  deaths are left out.
- `no-show`: of what was due, 1 for a missed appointment, 0 for a session that was held.
- `milestone/<code>`: of the milestones that stand, the days from the first session.

Outcomes are taken at one point of all courses, so that a week with many beginners is no worse week.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from math import exp, log
from typing import Final, NamedTuple

from services.console.domain.courses import Course, counts, courses_of, same_series
from shared.events.base import Fact
from shared.events.clinical import MeasureSpec
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
from shared.events.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentMoved,
)

WEIGHED: Final[frozenset[type[Fact]]] = frozenset(
    {
        PlanCreated,
        PlanEnded,
        SessionLogged,
        SessionVoided,
        MeasurementRecorded,
        MeasurementCorrected,
        MeasurementVoided,
        BaselineSet,
        MilestoneReached,
        MilestoneRetracted,
        AppointmentBooked,
        AppointmentMoved,
        AppointmentCancelled,
        AppointmentMissed,
    }
)
"""The facts that figures rest on."""

REVIEW_SESSIONS: Final = 12
"""The session at which outcomes are taken: the first review of docs/progress.md."""

_LAST: Final = 3
_COMPLETED: Final = frozenset({"completed", "discharged"})
_NOBODYS_CHOICE: Final = frozenset({"transferred", "deceased"})


class Share(NamedTuple):
    """What a course adds to a figure in a week: the sum and the number of its values, in `unit`."""

    plan_id: str
    figure: str
    week: date
    protocol_id: str
    unit: str
    total: float
    number: int


class _Value(NamedTuple):
    figure: str
    unit: str
    moment: datetime
    value: float


def shares_of(facts: Iterable[Fact]) -> frozenset[Share]:
    """All that a patient's courses add."""
    return frozenset(share for course in courses_of(facts) for share in _shares(course))


def week_of(moment: datetime) -> date:
    """The Monday of the moment's week."""
    return moment.date() - timedelta(days=moment.weekday())


def _shares(course: Course) -> Iterator[Share]:
    grouped: dict[tuple[str, str, date], list[float]] = defaultdict(list)
    for value in (*_outcomes(course), *_completion(course), *_no_shows(course), *_milestones(course)):
        grouped[value.figure, value.unit, week_of(value.moment)].append(value.value)
    for (figure, unit, week), values in grouped.items():
        yield Share(course.plan.plan_id, figure, week, course.plan.protocol_id, unit, sum(sorted(values)), len(values))


def _outcomes(course: Course) -> Iterator[_Value]:
    if len(course.sessions) < REVIEW_SESSIONS:
        return
    review = course.sessions[REVIEW_SESSIONS - 1]
    until = review.started_at + timedelta(minutes=review.minutes)
    specs = {spec.measure: spec for spec in course.plan.measures}
    for baseline in course.baselines:
        spec = specs.get(baseline.measure)
        if spec is None or spec.by_rater:
            continue
        series = [r for r in course.readings if same_series(r, baseline) and counts(spec, r)]
        later = [r for r in series if r.effective_at <= until and r.measurement_id not in baseline.readings]
        if len(later) >= _LAST:
            change = _improvement(spec, baseline.value, [reading.value for reading in later[-_LAST:]])
            yield _Value(f"outcome/{spec.measure}", _unit(spec), review.started_at, change)


def _improvement(spec: MeasureSpec, baseline: float, values: list[float]) -> float:
    """Change toward better: in the measure's unit, in percent of the baseline where its scale is logarithmic."""
    if spec.scale == "log":
        change = 100 * (exp(sum(map(log, values)) / len(values)) / baseline - 1)
    else:
        change = sum(values) / len(values) - baseline
    return change if spec.better == "higher" else -change


def _unit(spec: MeasureSpec) -> str:
    return "%" if spec.scale == "log" else spec.unit


def _completion(course: Course) -> Iterator[_Value]:
    if course.ended and course.ended.reason not in _NOBODYS_CHOICE:
        completed = 1.0 if course.ended.reason in _COMPLETED else 0.0
        yield _Value("completion", "share", course.ended.ended_at, completed)


def _no_shows(course: Course) -> Iterator[_Value]:
    for session in course.sessions:
        yield _Value("no-show", "share", session.started_at, 0.0)
    for appointment in course.appointments:
        if isinstance(appointment, AppointmentMissed):
            yield _Value("no-show", "share", appointment.start, 1.0)


def _milestones(course: Course) -> Iterator[_Value]:
    for milestone in course.milestones if course.sessions else ():
        days = (milestone.reached_at - course.sessions[0].started_at) / timedelta(days=1)
        yield _Value(f"milestone/{milestone.milestone}", "days", milestone.reached_at, days)
