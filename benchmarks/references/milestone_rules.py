"""Other rules for the same milestone: what clinics and spreadsheets use, and estimators that were considered.

Each gets the baseline's readings and those after it by session (None where one is missing), for a
reduction by a fraction of the baseline, and says at which session it would announce the milestone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import sqrt
from statistics import NormalDist, fmean

Later = Sequence[tuple[int, float | None]]
Rule = Callable[[Sequence[float], Later, float], int | None]
"""Baseline readings, later ones as (session, value), the fraction of the target."""

_SIGMA = 1.0
_WEIGHT = 0.3
_DRIFT, _SURE = 0.25, NormalDist().inv_cdf(0.78)
_SCORE, _STEP_AT_MOST = 3.0, 2.0


def first_crossing(baseline: Sequence[float], later: Later, fraction: float) -> int | None:
    """The first reading that is at the target or beyond."""
    target = (1 - fraction) * fmean(baseline)
    return next((session for session, value in _taken(later) if value <= target), None)


def two_in_a_row(baseline: Sequence[float], later: Later, fraction: float) -> int | None:
    """The second of two readings in a row that are."""
    target, run = (1 - fraction) * fmean(baseline), 0
    for session, value in _taken(later):
        run = run + 1 if value <= target else 0
        if run == 2:
            return session
    return None


def moving_average(baseline: Sequence[float], later: Later, fraction: float) -> int | None:
    """An exponentially weighted average that starts at the baseline; a new reading weighs 0.3."""
    average = fmean(baseline)
    target = (1 - fraction) * average
    for session, value in _taken(later):
        average += _WEIGHT * (value - average)
        if average <= target:
            return session
    return None


def running_level(baseline: Sequence[float], later: Later, fraction: float) -> int | None:
    """A local-level Kalman filter: 78% sure that the level is beyond the target, two of three readings too."""
    average = fmean(baseline)
    target, variance = (1 - fraction) * average, _SIGMA**2 / len(baseline)
    of_target = (1 - fraction) ** 2 * variance
    passes: list[bool] = []
    for session, value, sigma in _with_noise(baseline, later):
        variance += _DRIFT * sigma**2
        gain = variance / (variance + sigma**2)
        average, variance = average + gain * (value - average), variance * (1 - gain)
        passes.append(value <= target)
        if target - average >= _SURE * sqrt(variance + of_target * sigma**2) and sum(passes[-3:]) >= 2:
            return session
    return None


def running_score(baseline: Sequence[float], later: Later, fraction: float) -> int | None:
    """A cumulative sum: sigmas beyond the target add up, short of it they count down, never below 0; 3 is enough."""
    target, score = (1 - fraction) * fmean(baseline), 0.0
    passes: list[bool] = []
    for session, value, sigma in _with_noise(baseline, later):
        step = (target - value) / sigma
        score = max(0.0, score + max(-_STEP_AT_MOST, min(_STEP_AT_MOST, step)))
        passes.append(value <= target)
        if score >= _SCORE and sum(passes[-3:]) >= 2:
            return session
    return None


def _taken(later: Later) -> Iterator[tuple[int, float]]:
    return ((session, value) for session, value in later if value is not None)


def _with_noise(baseline: Sequence[float], later: Later) -> Iterator[tuple[int, float, float]]:
    """Session, value, and the noise of one reading as known by then, by Stride's own formula."""
    squares, steps, last = 0.0, 0, None
    for before, after in pairwise(baseline):
        squares, steps = squares + min((after - before) ** 2 / 2, 9 * _SIGMA**2), steps + 1
    for session, value in _taken(later):
        if last is not None:
            squares, steps = squares + min((value - last) ** 2 / 2, 9 * _SIGMA**2), steps + 1
        last = value
        yield session, value, sqrt(max(_SIGMA**2, (8 * _SIGMA**2 + squares) / (8 + steps)))


RULES: Mapping[str, Rule] = {
    "first-crossing": first_crossing,
    "two-in-a-row": two_in_a_row,
    "ewma-0.3": moving_average,
    "running-level": running_level,
    "running-score": running_score,
}
