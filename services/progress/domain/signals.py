"""Signals that a course gets worse or stands still. Prompts for a clinician, never verdicts."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from math import log1p, sqrt
from typing import NamedTuple

from services.progress.domain.course import Course, Fresh
from services.progress.domain.evidence import compared
from services.progress.domain.milestones import Verdict
from services.progress.domain.series import ROUNDING, Series
from shared.events.progress import Evidence

RULE_VERSION = 1
"""Of both rules in this file; they belong to Stride, not to a protocol."""

_LAST, _LEAST_BEFORE, _MOST_BEFORE = 3, 4, 6
_MEAN_SIGMAS, _EACH_SIGMAS = 2.25, 1.25
_REVIEW_SPAN = 6
_REVIEW_Z = 1.28
_STALE = timedelta(days=42)


class Regression(NamedTuple):
    """A measure got worse, and the reading that showed it (`at` is its index in the series)."""

    detected_at: datetime
    series: str
    at: int
    reading_id: str
    evidence: Evidence


class Plateau(NamedTuple):
    """At a review, a measure's gain over the last six sessions was less than what matters."""

    measure: str
    review: int
    evidence: Evidence


def regressions_of(course: Course, known: list[Regression], fresh: Fresh) -> list[Regression]:
    """All regressions of the course, in time order; `known` are those of the course without what is `fresh`."""
    found = [
        regression
        for name, looked_at in fresh.readings.items()
        for regression in _regressions(course.series[name], known, looked_at)
    ]
    return sorted([*known, *found], key=lambda regression: regression[:2]) if found else known


def plateaus_of(course: Course, milestones: Iterable[Verdict], known: list[Plateau], fresh: Fresh) -> list[Plateau]:
    """Reviews at which a measure with a milestone stood still before that milestone was reached.

    `known` are those of the course without what is `fresh`: a review that ended before it is not looked at again.
    """
    held = len(course.sessions)
    ends = [(review, course.sessions[review - 1].ended_at) for review in course.terms.review_sessions if review <= held]
    due = [(review, ended_at) for review, ended_at in ends if ended_at >= fresh.since]
    if not due:
        return known
    found = [plateau for plateau in known if plateau.review < due[0][0]]
    for verdict in milestones:
        for review, ended_at in due:
            if verdict.rule.kind == "confirmed-change" and not (verdict.reached_at and verdict.reached_at <= ended_at):
                found += _plateaus(course, verdict.rule.measure, review)
    # Several milestones or sides of one measure still make one prompt.
    return sorted({plateau[:2]: plateau for plateau in reversed(found)}.values(), key=lambda plateau: plateau[:2])


def _plateaus(course: Course, measure: str | None, review: int) -> Iterator[Plateau]:
    earlier, now = course.sessions[review - 1 - _REVIEW_SPAN].ended_at, course.sessions[review - 1].ended_at
    for series in course.series_of_measure(measure):
        if evidence := _standstill(series, earlier, now):
            yield Plateau(series.spec.measure, review, evidence)


def _regressions(series: Series, known: Iterable[Regression], looked_at: int) -> Iterator[Regression]:
    """Readings at which the last three are worse than the four to six before.

    Their mean by 2.25 sigma and by the smallest important change or more, each by 1.25 sigma or
    more. One fall is told once: after it, three readings must come before another.
    """
    start = max(looked_at, _LAST + _LEAST_BEFORE - 1)
    if start >= len(series.readings):
        return
    free_from = max((told.at + _LAST for told in known if told.series == series.name), default=0)
    for at in range(start, len(series.readings)):
        if at >= free_from and (evidence := _fall(series, at)):
            free_from = at + _LAST
            reading = series.readings[at]
            yield Regression(reading.effective_at, series.name, at, reading.measurement_id, evidence)


def _fall(series: Series, at: int) -> Evidence | None:
    split = at - _LAST + 1
    start = max(0, split - _MOST_BEFORE)
    before, better = series.mean(start, split), series.better
    fall = better * (before - series.mean(split, at + 1))
    if fall < _important(series) - ROUNDING:
        return None
    # The noise as known before the fall: the fall itself is none.
    sigma = series.sigma(split - 1)
    if fall < _MEAN_SIGMAS * sigma:
        return None
    if any(better * (before - level) < _EACH_SIGMAS * sigma for level in series.levels[split : at + 1]):
        return None
    return _comparison(series, (start, split), (split, at + 1), split - 1)


def _standstill(series: Series, earlier: datetime, review: datetime) -> Evidence | None:
    """Evidence of a plateau: gain from the three readings up to `earlier` to the three up to `review`."""
    split, end = series.upto(earlier), series.upto(review)
    if series.spec.by_rater:
        return None
    if split < _LAST or end - split < _LAST or review - series.readings[end - _LAST].effective_at > _STALE:
        return None
    gain = series.better * (series.mean(end - _LAST, end) - series.mean(split - _LAST, split))
    sigma = series.sigma(end - 1)
    if gain + _REVIEW_Z * sigma * sqrt(2 / _LAST) >= _important(series):
        return None
    return _comparison(series, (split - _LAST, split), (end - _LAST, end), end - 1)


def _comparison(series: Series, before: tuple[int, int], now: tuple[int, int], noise_at: int) -> Evidence:
    """Two windows of a series: the earlier stands where a milestone has its baseline."""
    past = series.readings[slice(*before)]
    return compared(series, past, series.mean(*before), now, noise_at, rule_version=RULE_VERSION)


def _important(series: Series) -> float:
    """The smallest important change on the series' scale."""
    return log1p(series.spec.mcid) if series.log_scale else series.spec.mcid
