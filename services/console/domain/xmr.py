"""XmR charts: individual values and moving ranges, and which weeks are unlike the others.

Limits at the mean and 2.66 times the mean moving range to both sides, 3.27 times for the ranges: Shewhart's
three sigma with sigma = mean moving range / 1.128 (Wheeler, Understanding Variation, 2nd ed., SPC Press 2000).
Run rules: Western Electric Co., Statistical Quality Control Handbook, 1956. Weeks without a value are
left out, never filled in.
"""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from statistics import fmean
from typing import Final, NamedTuple

LEAST_WEEKS: Final = 6
"""Fewer values give no limits: they would move too much with each new one."""

_LIMIT, _RANGE_LIMIT, _SIGMA = 2.66, 3.267, 1.128

_RUNS: Final = {1: (1, 1, 3.0), 2: (2, 3, 2.0), 3: (4, 5, 1.0), 4: (8, 8, 0.0)}
"""Per run rule: so many of the last so many weeks lie further than so many sigma from the mean, on one side."""


class Week(NamedTuple):
    """A week's value: the mean of `number` single ones."""

    week: date
    value: float
    number: int


class Limits(NamedTuple):
    """What a week's value and moving range are expected to stay within."""

    mean: float
    lower: float
    upper: float
    mean_range: float
    upper_range: float


class Point(NamedTuple):
    """A week on the chart: its distance from the week before, and the run rules that it breaks."""

    week: Week
    moving_range: float | None
    broken: tuple[int, ...]
    """Numbers of the run rules: 1 for a limit, 2 for two sigma, 3 for one sigma, 4 for one side."""


class Xmr(NamedTuple):
    """A chart's figures; without limits where there are too few weeks."""

    points: tuple[Point, ...]
    limits: Limits | None


def xmr(weeks: Sequence[Week]) -> Xmr:
    """The chart of `weeks`, which come in time order."""
    ranges = [abs(later.value - earlier.value) for earlier, later in pairwise(weeks)]
    limits = _limits([week.value for week in weeks], ranges) if len(weeks) >= LEAST_WEEKS else None
    values = [week.value for week in weeks]
    points = [
        Point(week, ranges[at - 1] if at else None, _broken(values[: at + 1], limits)) for at, week in enumerate(weeks)
    ]
    return Xmr(tuple(points), limits)


def _limits(values: Sequence[float], ranges: Sequence[float]) -> Limits:
    mean, mean_range = fmean(values), fmean(ranges)
    width = _LIMIT * mean_range
    return Limits(mean, mean - width, mean + width, mean_range, _RANGE_LIMIT * mean_range)


def _broken(values: Sequence[float], limits: Limits | None) -> tuple[int, ...]:
    """The rules that the last of `values` breaks; it must itself lie beyond."""
    if limits is None or not limits.mean_range:
        return ()
    sigma = limits.mean_range / _SIGMA
    distances = [(value - limits.mean) / sigma for value in values]
    return tuple(number for number, (least, of, beyond) in _RUNS.items() if _runs(distances[-of:], least, beyond))


def _runs(distances: Sequence[float], least: int, beyond: float) -> bool:
    return any(
        side * distances[-1] > beyond and sum(side * distance > beyond for distance in distances) >= least
        for side in (1, -1)
    )
