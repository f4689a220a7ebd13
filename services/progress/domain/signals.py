"""Signals that a course gets worse or stands still. Prompts for a clinician, never verdicts."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import log1p, sqrt
from typing import NamedTuple

from services.progress.domain.course import Course
from services.progress.domain.milestones import Verdict
from services.progress.domain.series import Series
from shared.events.progress import Evidence

RULE_VERSION = 1
"""Of both rules in this file; they belong to Stride, not to a protocol."""

_LAST, _LEAST_BEFORE, _MOST_BEFORE = 3, 4, 6
_MEAN_SIGMAS, _EACH_SIGMAS = 2.25, 1.25
_REVIEWS, _REVIEW_SPAN = (12, 18, 24), 6
_REVIEW_Z = 1.28
_STALE = timedelta(days=42)


class Regression(NamedTuple):
    """A measure got worse: the reading (by index in its series) that showed it."""

    series: Series
    at: int
    evidence: Evidence

    @property
    def detected_at(self) -> datetime:
        """When the reading was taken that showed it."""
        return self.series.readings[self.at].effective_at


class Plateau(NamedTuple):
    """At a review, a measure's gain over the last six sessions was less than what matters."""

    series: Series
    review: int
    evidence: Evidence


def regressions_of(course: Course) -> list[Regression]:
    """All regressions of the course, in time order."""
    found = [regression for series in course.series for regression in _regressions(series)]
    return sorted(found, key=lambda regression: (regression.detected_at, regression.series.name))


def plateaus_of(course: Course, milestones: list[Verdict]) -> list[Plateau]:
    """Reviews at which a measure with a milestone stood still before that milestone was reached."""
    held = [(review, course.sessions[review - 1].ended_at) for review in _REVIEWS if review <= len(course.sessions)]
    found = [
        Plateau(series, review, evidence)
        for verdict in milestones
        if verdict.rule.kind == "confirmed-change"
        for review, ended_at in held
        if verdict.reached_at is None or verdict.reached_at > ended_at
        for series in course.series_of_measure(verdict.rule.measure)
        if (evidence := _standstill(series, course.sessions[review - 1 - _REVIEW_SPAN].ended_at, ended_at))
    ]
    # Several milestones or sides of one measure still make one prompt.
    return list({(plateau.series.spec.measure, plateau.review): plateau for plateau in reversed(found)}.values())


def _regressions(series: Series) -> Iterator[Regression]:
    """Readings at which the last three are worse than the four to six before.

    Their mean by 2.25 sigma and by the smallest important change or more, each by 1.25 sigma or
    more. One fall is told once: after it, the next three readings are looked at as new ones.
    """
    free_from = 0
    for at in range(_LAST + _LEAST_BEFORE - 1, len(series.readings)):
        if at >= free_from and (evidence := _fall(series, at)):
            free_from = at + _LAST
            yield Regression(series, at, evidence)


def _fall(series: Series, at: int) -> Evidence | None:
    split = at - _LAST + 1
    start = max(0, split - _MOST_BEFORE)
    before = sum(series.levels[start:split]) / (split - start)
    falls = [series.better * (before - level) for level in series.levels[split : at + 1]]
    sigma = series.sigmas[at]
    if min(falls) < _EACH_SIGMAS * sigma or sum(falls) / _LAST < max(_MEAN_SIGMAS * sigma, _important(series)):
        return None
    return _comparison(series, (start, split), (split, at + 1))


def _standstill(series: Series, earlier: datetime, review: datetime) -> Evidence | None:
    """Evidence of a plateau: gain from the three readings up to `earlier` to the three up to `review`."""
    split, end = series.upto(earlier), series.upto(review)
    if split < _LAST or end - split < _LAST:
        return None
    if review - series.readings[end - _LAST].effective_at > _STALE:
        return None
    before, now = series.levels[split - _LAST : split], series.levels[end - _LAST : end]
    gain = series.better * (sum(now) - sum(before)) / _LAST
    error = series.sigmas[end - 1] * sqrt(2 / _LAST)
    if gain + _REVIEW_Z * error >= _important(series):
        return None
    return _comparison(series, (split - _LAST, split), (end - _LAST, end))


def _comparison(series: Series, before: tuple[int, int], now: tuple[int, int]) -> Evidence:
    """Two windows of a series: the earlier stands where a milestone has its baseline."""
    past, present = series.readings[slice(*before)], series.readings[slice(*now)]
    return Evidence(
        rule_version=RULE_VERSION,
        measure=series.spec.measure,
        side=series.side,
        baseline=series.value(sum(series.levels[slice(*before)]) / len(past)),
        baseline_readings=tuple(reading.measurement_id for reading in past),
        readings=tuple(reading.measurement_id for reading in present),
        values=tuple(reading.value for reading in present),
        mean=series.value(sum(series.levels[slice(*now)]) / len(present)),
        sigma=series.sigmas[now[1] - 1],
    )


def _important(series: Series) -> float:
    """The smallest important change on the series' scale."""
    return log1p(series.spec.mcid) if series.log_scale else series.spec.mcid
