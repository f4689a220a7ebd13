"""Expected curves: what a measure does by itself, as a clinician says, and what it takes to be faster than that.

"25% faster" is meant of time: what is expected of week 10 is there in week 8. So on day t the target lies where the
curve is on day 1.25 t, measured from the baseline. Beyond the day on which that reaches the curve's last
point nothing is judged: the curve says nothing of it, and whoever is slow would reach a target that stands still.
"""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

from services.progress.domain.course import Course
from services.progress.domain.series import Series
from shared.events.clinical import MilestoneRule


def begins(course: Course) -> datetime:
    """When curves begin: with the course's first day."""
    return datetime.combine(course.terms.starts_on, time(), UTC)


def against(course: Course, series: Series, rule: MilestoneRule) -> Series:
    """The series that a rule is judged on: with an expected curve, what is above it, as far as it goes."""
    if not rule.expected:
        return series
    begun, pace = begins(course), 1 + (rule.change or 0.0)
    end = series.upto(begun + timedelta(weeks=rule.expected[-1].week / pace))
    levels = [
        level - gain(series, rule, pace * ((reading.effective_at - begun) / timedelta(weeks=1)))
        for level, reading in zip(series.levels[:end], series.readings[:end], strict=True)
    ]
    return series._replace(readings=series.readings[:end], levels=tuple(levels))


def gain(series: Series, rule: MilestoneRule, week: float) -> float:
    """How far the curve has come by then, from before treatment, on the series' scale; between points in a line."""
    points = [(0.0, 0.0), *((point.week, _level(series, point.change)) for point in rule.expected)]
    if week <= 0:
        return 0.0
    for (earlier, low), (later, high) in pairwise(points):
        if week <= later:
            return low + (high - low) * (week - earlier) / (later - earlier)
    return points[-1][1]


def _level(series: Series, change: float) -> float:
    return series.level(1 + series.better * change) if series.log_scale else series.better * change
