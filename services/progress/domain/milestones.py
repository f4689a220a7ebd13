"""Milestones that are really reached: exact session counts, and changes confirmed beyond noise.

The confirmed-change rule and its simulated error rates are in docs/guide/progress.md. Verdicts are
a pure fold: the first point in time order at which the rule held. Getting worse later does not
undo it; only records that change what came before can.
"""

from datetime import datetime, timedelta
from math import sqrt
from statistics import NormalDist
from typing import Literal, NamedTuple

from services.progress.domain.course import Course
from services.progress.domain.series import Baseline, Series
from shared.events.clinical import MilestoneRule
from shared.events.progress import Evidence

SESSIONS_FOR_BASELINE = 6
"""A course that has held so many sessions without a baseline will not get one any more."""

_NORMAL = NormalDist()


class Target(NamedTuple):
    """The level to reach, and how much of the baseline's error carries over into it."""

    level: float
    baseline_share: float


class Verdict(NamedTuple):
    """How a milestone stands: reached (when, on what evidence), not evaluable (why), or not yet."""

    rule: MilestoneRule
    reached_at: datetime | None = None
    evidence: Evidence | None = None
    not_evaluable: str = ""
    series: Series | None = None
    """The series that confirmed it."""
    at: int = 0
    """Index in `series` of the confirming reading."""

    @property
    def state(self) -> Literal["reached", "not-yet", "not-evaluable"]:
        """How the milestone stands."""
        if self.reached_at:
            return "reached"
        return "not-evaluable" if self.not_evaluable else "not-yet"


def milestones_of(course: Course) -> list[Verdict]:
    """The verdict on each milestone of the course's plan."""
    return [
        _counted(course, rule) if rule.kind == "session-count" else _judged(course, rule)
        for rule in course.terms.milestones
    ]


def _counted(course: Course, rule: MilestoneRule) -> Verdict:
    """Reached at the n-th session, counting completed ones that were not voided."""
    if rule.sessions is None:
        return Verdict(rule, not_evaluable="no-session-count")
    if len(course.sessions) < rule.sessions:
        return Verdict(rule)
    evidence = Evidence(rule_version=rule.rule_version, sessions=rule.sessions)
    return Verdict(rule, course.sessions[rule.sessions - 1].started_at, evidence)


def _judged(course: Course, rule: MilestoneRule) -> Verdict:
    """Reached where the earliest of the measure's series confirms the change."""
    if rule.change is None or all(spec.measure != rule.measure for spec in course.terms.measures):
        return Verdict(rule, not_evaluable="no-expected-change")
    all_series = course.series_of_measure(rule.measure)
    confirmed = [verdict for series in all_series if (verdict := _first_confirmed(series, rule))]
    if confirmed:
        return min(confirmed, key=lambda verdict: (verdict.reached_at, verdict.evidence and verdict.evidence.readings))
    if len(course.sessions) >= SESSIONS_FOR_BASELINE and not any(series.baseline for series in all_series):
        return Verdict(rule, not_evaluable="no-baseline")
    return Verdict(rule)


def target_of(series: Series, baseline: Baseline, rule: MilestoneRule) -> Target:
    """Where the rule's change toward better leads to from `baseline`.

    The baseline's share is the derivative of the target by the baseline: 1 - p for a reduction by
    the fraction p of a linear measure, 1 + p for a gain, else 1.
    """
    change = (rule.change or 0.0) * series.better
    if not rule.relative:
        return Target(series.level(series.value(baseline.level) + change), 1.0)
    if series.log_scale:
        return Target(baseline.level + series.level(1 + change), 1.0)
    return Target(baseline.level * (1 + change), 1 + change)


def confirms(series: Series, baseline: Baseline, rule: MilestoneRule, at: int) -> bool:
    """Whether the window that ends at reading `at` shows the change: Phi(G/SE) >= probability.

    At least `passes` of its readings pass the target on their own, and it spans no more than
    `stale_days`.
    """
    first = at - rule.window + 1
    if first <= baseline.last or _stale(series, first, at, rule):
        return False
    target = target_of(series, baseline, rule)
    margins = [series.better * (level - target.level) for level in series.levels[first : at + 1]]
    if sum(margin >= 0 for margin in margins) < rule.passes or sum(margins) <= 0:
        return False
    return _probability(series, baseline, rule, at) >= rule.probability


def window_evidence(series: Series, rule: MilestoneRule, at: int) -> Evidence | None:
    """What the window that ends at reading `at` says about the rule; None where there is none."""
    baseline = series.baseline
    first = at - rule.window + 1
    if baseline is None or first <= baseline.last:
        return None
    levels = series.levels[first : at + 1]
    return Evidence(
        rule_version=rule.rule_version,
        measure=series.spec.measure,
        side=series.side,
        baseline=series.value(baseline.level),
        baseline_readings=tuple(reading.measurement_id for reading in baseline.readings),
        readings=tuple(reading.measurement_id for reading in series.readings[first : at + 1]),
        values=tuple(reading.value for reading in series.readings[first : at + 1]),
        mean=series.value(sum(levels) / len(levels)),
        target=series.value(target_of(series, baseline, rule).level),
        sigma=series.sigmas[at],
        probability=_probability(series, baseline, rule, at),
    )


def present_evidence(course: Course, rule: MilestoneRule) -> Evidence | None:
    """What the newest records say about the rule, reached or not: what a retraction shows as `after`."""
    if rule.kind == "session-count":
        return Evidence(rule_version=rule.rule_version, sessions=len(course.sessions))
    newest = sorted(course.series_of_measure(rule.measure), key=lambda series: series.readings[-1].effective_at)
    evidence = (window_evidence(series, rule, len(series.readings) - 1) for series in reversed(newest))
    return next(filter(None, evidence), None)


def _first_confirmed(series: Series, rule: MilestoneRule) -> Verdict | None:
    baseline = series.baseline
    if baseline is None:
        return None
    for at in range(baseline.last + rule.window, len(series.readings)):
        if confirms(series, baseline, rule, at):
            reached_at = series.readings[at].effective_at
            return Verdict(rule, reached_at, window_evidence(series, rule, at), series=series, at=at)
    return None


def _probability(series: Series, baseline: Baseline, rule: MilestoneRule, at: int) -> float:
    """Phi(G/SE), G the margin of the window's mean and SE = sigma sqrt(c^2/n0 + 1/window)."""
    target = target_of(series, baseline, rule)
    levels = series.levels[at - rule.window + 1 : at + 1]
    margin = series.better * (sum(levels) / rule.window - target.level)
    error = series.sigmas[at] * sqrt(target.baseline_share**2 / len(baseline.readings) + 1 / rule.window)
    return _NORMAL.cdf(margin / error)


def _stale(series: Series, first: int, last: int, rule: MilestoneRule) -> bool:
    span = series.readings[last].effective_at - series.readings[first].effective_at
    return span > timedelta(days=rule.stale_days)
