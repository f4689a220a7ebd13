"""What an alert rests on, for people: the fact behind it in plain words, and the chart of its measure."""

from collections.abc import Iterable, Iterator
from math import exp

from markupsafe import Markup

from services.console.domain.courses import Course, courses_of, same_series
from shared.alerting import alert_about
from shared.charts import Band, CourseChart, Mark, Picture, ReadingPoint, course_chart, within
from shared.events.base import Fact
from shared.events.clinical import Reading
from shared.events.progress import (
    AdverseEventReported,
    BaselineSet,
    Evidence,
    MilestoneNotEvaluable,
    MilestoneReached,
    MilestoneRetracted,
    PlanAdjustmentProposed,
    PlateauSuspected,
    RegressionDetected,
)
from shared.explaining import (
    explain_not_evaluable,
    explain_plateau,
    explain_proposal,
    explain_reached,
    explain_regression,
    explain_retracted,
    measure_name,
    unit_name,
)


def behind(alert_id: str, facts: Iterable[Fact]) -> Fact | None:
    """The fact that led to the alert."""
    return next((fact for fact in facts if alert_about(fact.event_id) == alert_id), None)


def in_words(fact: Fact | None) -> str:
    """Why there is an alert, in English; nothing where its title says all."""
    match fact:
        case MilestoneReached():
            return explain_reached(fact.evidence, fact.reached_at)
        case MilestoneRetracted():
            return explain_retracted(fact.before, fact.cause, fact.after)
        case MilestoneNotEvaluable():
            return explain_not_evaluable(fact.reason)
        case AdverseEventReported():
            return f"Recorded as “{fact.term}”, grade {fact.grade}."
        case _:
            return _of_course(fact)


def _of_course(fact: Fact | None) -> str:
    match fact:
        case RegressionDetected():
            return explain_regression(fact.evidence)
        case PlateauSuspected():
            return explain_plateau(fact.evidence, fact.review)
        case PlanAdjustmentProposed():
            return explain_proposal(fact.evidence, forward=fact.to_step > fact.from_step)
        case _:
            return str(getattr(fact, "reason", ""))


def chart_of(fact: Fact | None, facts: Iterable[Fact]) -> Markup | None:
    """The measure that the fact is about, along its course; nothing where it is about none."""
    evidence: Evidence | None = getattr(fact, "evidence", None) or getattr(fact, "before", None)
    plan_id = getattr(fact, "plan_id", None)
    course = next((one for one in courses_of(facts) if one.plan.plan_id == plan_id), None)
    if evidence is None or evidence.measure is None or course is None:
        return None
    readings = [one for one in course.readings if _is_of(one, evidence)]
    if not readings:
        return None
    drawing = course_chart(_chart(course, evidence, readings))
    title = ", ".join(filter(None, (measure_name(evidence.measure), evidence.side)))
    picture = Picture(title, f"{len(readings)} readings.", drawing)
    return Markup(within(picture, name="evidence"))  # noqa: S704  # escaped there


def _chart(course: Course, evidence: Evidence, readings: list[Reading]) -> CourseChart:
    baseline = next((one for one in course.baselines if same_series(readings[0], one)), None)
    before = set(baseline.readings) if baseline else set[str]()
    return CourseChart(
        unit=unit_name(readings[0].unit) or "points",
        readings=[ReadingPoint(one.effective_at, one.value, one.measurement_id in before) for one in readings],
        baseline=_band(course, baseline) if baseline else None,
        targets=[("target", evidence.target)] if evidence.target is not None else [],
        marks=list(_marks(course, evidence)),
    )


def _band(course: Course, baseline: BaselineSet) -> Band:
    """The baseline, and what the noise of one reading makes of it."""
    spec = next((one for one in course.plan.measures if one.measure == baseline.measure), None)
    sigma = spec.sigma if spec and not spec.by_rater else 0.0
    if spec and spec.scale == "log":
        return Band(baseline.value, baseline.value * exp(-sigma), baseline.value * exp(sigma))
    return Band(baseline.value, baseline.value - sigma, baseline.value + sigma)


def _marks(course: Course, about: Evidence) -> Iterator[Mark]:
    for milestone in course.milestones:
        if _same(milestone.evidence, about):
            evidence = milestone.evidence
            yield Mark(evidence.taken_at[-1], evidence.values[-1], "reached", milestone.title or milestone.milestone)
    for regression in course.regressions:
        if _same(regression.evidence, about):
            evidence = regression.evidence
            yield Mark(evidence.taken_at[-1], evidence.values[-1], "worse", measure_name(regression.measure))


def _same(evidence: Evidence, about: Evidence) -> bool:
    same = (evidence.measure, evidence.side, evidence.rater) == (about.measure, about.side, about.rater)
    return same and bool(evidence.taken_at) and bool(evidence.values)


def _is_of(reading: Reading, evidence: Evidence) -> bool:
    same = (reading.measure, reading.side) == (evidence.measure, evidence.side)
    return same and evidence.rater in {None, reading.rater}
