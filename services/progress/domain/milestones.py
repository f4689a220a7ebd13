"""Milestones that are really reached: exact session counts, and changes confirmed beyond noise.

The confirmed-change rule and its simulated error rates are in docs/progress.md. Verdicts are
a pure fold: the first point in time order at which the rule held. Getting worse later does not
undo it; only records that change what came before can.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import sqrt
from statistics import NormalDist
from typing import Any, Literal, NamedTuple

from services.progress.domain.course import Course, Fresh
from services.progress.domain.curves import against, begins
from services.progress.domain.evidence import compared
from services.progress.domain.record import Terms
from services.progress.domain.series import ROUNDING, Baseline, Series, place
from shared.events.clinical import MilestoneRule
from shared.events.progress import Evidence

SESSIONS_FOR_BASELINE = 6
"""A course that has held so many sessions without a baseline will not get one any more."""

_NORMAL = NormalDist()


class Verdict(NamedTuple):
    """How a milestone stands: reached (when, on what evidence), not evaluable (why), or not yet."""

    rule: MilestoneRule
    reached_at: datetime | None = None
    evidence: Evidence | None = None
    not_evaluable: str = ""
    series: str = ""
    """The name of the series that confirmed it."""
    at: int = 0
    """Index in the series of the confirming reading."""

    @property
    def state(self) -> Literal["reached", "not-yet", "not-evaluable"]:
        """How the milestone stands, in a word."""
        if self.reached_at:
            return "reached"
        return "not-evaluable" if self.not_evaluable else "not-yet"


class Target(NamedTuple):
    """The level to reach, and how much of the baseline's error carries over into it."""

    level: float
    baseline_share: float


def unjudged(rule: MilestoneRule, terms: Terms) -> Verdict:
    """The verdict before there are any records: what can never be judged is told at once."""
    if rule.kind == "session-count":
        return Verdict(rule, not_evaluable="" if rule.sessions else "no-session-count")
    followed = rule.change is not None and any(spec.measure == rule.measure for spec in terms.measures)
    if followed and rule.expected_curve and not rule.expected:
        return Verdict(rule, not_evaluable="no-expected-curve")
    return Verdict(rule, not_evaluable="" if followed else "no-expected-change")


def judged(course: Course, known: Verdict, fresh: Fresh) -> Verdict:
    """The verdict on a milestone, where `known` is the verdict on the course without what is `fresh`."""
    if known.not_evaluable or (known.reached_at and known.reached_at < fresh.since):
        return known
    return _counted(course, known) if known.rule.kind == "session-count" else _confirmed(course, known, fresh)


def _confirmed(course: Course, known: Verdict, fresh: Fresh) -> Verdict:
    """Reached at the earliest reading that confirms the change, whichever series it is of."""
    rule, verdicts = known.rule, [known] if known.reached_at else []
    for name, looked_at in fresh.readings.items():
        series = course.series[name]
        if series.spec.measure == rule.measure and (verdict := _first_confirmed(course, series, rule, looked_at)):
            verdicts.append(verdict)
    if verdicts:
        return min(verdicts, key=lambda verdict: (verdict.reached_at, verdict.series))
    too_late = fresh.sessions < SESSIONS_FOR_BASELINE <= len(course.sessions)
    if too_late and not any(series.baseline for series in course.series_of_measure(rule.measure)):
        return Verdict(rule, not_evaluable="no-baseline")
    return known


def target_of(series: Series, baseline: Baseline, rule: MilestoneRule) -> Target:
    """Where the rule's change toward better leads to from `baseline`.

    The baseline's share is the derivative of the target by the baseline: 1 - p for a reduction by
    the fraction p of a linear measure, 1 + p for a gain, else 1.
    """
    if rule.expected:
        # Judged on what is above the curve: there the way to go is none.
        return Target(baseline.level, 1.0)
    change = (rule.change or 0.0) * series.better
    if not rule.relative:
        return Target(series.level(series.value(baseline.level) + change), 1.0)
    if series.log_scale:
        return Target(baseline.level + series.level(1 + change), 1.0)
    return Target(baseline.level * (1 + change), 1 + change)


def window_evidence(course: Course, series: Series, rule: MilestoneRule, at: int) -> Evidence | None:
    """What the window that ends at reading `at` says about the rule; None where there is none."""
    baseline = series.baseline
    first, end = at - rule.window + 1, at + 1
    above = against(course, series, rule)
    if baseline is None or first <= baseline.last or end > len(above.readings):
        return None
    target = target_of(series, baseline, rule)
    curve = _along(course, series, above, target, (first, end)) if rule.expected else {}
    return compared(
        series,
        baseline.readings,
        baseline.level,
        (first, end),
        at,
        rule_version=rule.rule_version,
        rule=rule,
        probability=None if series.spec.by_rater else probability_beyond(above, baseline, target, (first, end)),
        **{"target": series.value(target.level), **curve},
    )


def _along(course: Course, series: Series, above: Series, target: Target, window: tuple[int, int]) -> Mapping[str, Any]:
    """What each reading of a window had to reach, where the target moves along an expected curve."""
    span = slice(*window)
    levels = [target.level + level - rest for level, rest in zip(series.levels[span], above.levels[span], strict=True)]
    return {
        "target": series.value(sum(levels) / len(levels)),
        "targets": tuple(series.value(level) for level in levels),
        "begins_on": begins(course).date(),
    }


def present_evidence(course: Course, rule: MilestoneRule) -> Evidence | None:
    """What the newest records say about the rule, reached or not: what a retraction shows as `after`."""
    if rule.kind == "session-count":
        return _count(course, rule, len(course.sessions))
    newest = sorted(course.series_of_measure(rule.measure), key=lambda series: place(series.readings[-1]))
    evidence = (window_evidence(course, series, rule, len(series.readings) - 1) for series in reversed(newest))
    return next(filter(None, evidence), None)


def _counted(course: Course, known: Verdict) -> Verdict:
    """Reached at the n-th session, counting completed ones that were not voided."""
    needed = known.rule.sessions or 0
    if known.reached_at or len(course.sessions) < needed:
        return known
    return Verdict(known.rule, course.sessions[needed - 1].started_at, _count(course, known.rule, needed))


def _count(course: Course, rule: MilestoneRule, sessions: int) -> Evidence:
    counted = tuple(session.session_id for session in course.sessions[:sessions])
    return Evidence(rule_version=rule.rule_version, rule=rule, sessions=sessions, counted=counted)


def _first_confirmed(course: Course, series: Series, rule: MilestoneRule, looked_at: int) -> Verdict | None:
    baseline = series.baseline
    start = max(looked_at, baseline.last + rule.window) if baseline else len(series.readings)
    if baseline is None or start >= len(series.readings):
        return None
    above, target = against(course, series, rule), target_of(series, baseline, rule)
    for at in range(start, len(above.readings)):
        if _confirms(above, baseline, rule, target, at):
            evidence = window_evidence(course, series, rule, at)
            return Verdict(rule, series.readings[at].effective_at, evidence, series=series.name, at=at)
    return None


def _confirms(series: Series, baseline: Baseline, rule: MilestoneRule, target: Target, at: int) -> bool:
    """Whether the window that ends at reading `at` shows the change: Phi(G/SE) >= probability.

    At least `passes` of its readings pass the target on their own, and it spans no more than
    `stale_days`. Grades have no even span to average: there every reading must pass, and that is all.
    """
    first, better = at - rule.window + 1, series.better
    passes = 0
    for level in series.levels[first : at + 1]:
        passes += better * (level - target.level) >= -ROUNDING
    if passes < (rule.window if series.spec.by_rater else rule.passes):
        return False
    if series.readings[at].effective_at - series.readings[first].effective_at > timedelta(days=rule.stale_days):
        return False
    return series.spec.by_rater or probability_beyond(series, baseline, target, (first, at + 1)) >= rule.probability


def probability_beyond(series: Series, baseline: Baseline, target: Target, window: tuple[int, int]) -> float:
    """That the readings from the first up to, not including, the second index lie beyond the target on average.

    Phi(G/SE), G the margin of their mean and SE = sigma sqrt(c^2/n0 + 1/n).
    """
    first, end = window
    margin = series.better * (series.mean(first, end) - target.level)
    error = series.sigma(end - 1) * sqrt(target.baseline_share**2 / len(baseline.readings) + 1 / (end - first))
    return _NORMAL.cdf(margin / error)
