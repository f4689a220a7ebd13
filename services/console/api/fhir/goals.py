"""Goals: what the milestones of a plan aim at, and how each stands (docs/fhir-reads.md)."""

from collections.abc import Iterator
from datetime import datetime
from math import exp, log
from statistics import fmean
from typing import Final

from services.console.api.fhir.care import COMPLETED
from services.console.api.fhir.terms import (
    TERMINOLOGY,
    Known,
    Resource,
    concept,
    measure_concept,
    quantity,
    reference,
    resource,
)
from services.console.domain.courses import Course, counts, target_level
from shared.events.clinical import MeasureSpec, MilestoneRule
from shared.events.progress import Evidence, MilestoneReached
from shared.explaining import explain_not_evaluable, explain_plateau, explain_reached, explain_regression

_LAST: Final = 3
"""Readings whose mean says whether a milestone is held, as for a step of the taper ladder."""


def goals(known: Known, course: Course) -> Iterator[Resource]:
    """One for each milestone of the plan."""
    for rule in course.plan.milestones:
        reached = next((one for one in course.milestones if one.milestone == rule.milestone), None)
        status = _achievement(course, rule, reached)
        evidence = reached.evidence if reached else None
        yield resource(
            "Goal",
            (course.plan.plan_id, rule.milestone),
            lifecycleStatus=_lifecycle(course),
            achievementStatus=concept(status, (f"{TERMINOLOGY}goal-achievement", status)),
            description=concept(rule.title or rule.milestone),
            subject=reference("Patient", known.patient_id),
            startDate=str(course.plan.starts_on),
            statusDate=str(reached.reached_at.date()) if reached else None,
            target=_target(known, course, rule, evidence),
            outcomeReference=[reference("Observation", reading) for reading in evidence.readings] or None
            if evidence
            else None,
            note=_notes(course, rule, reached),
        )


def _lifecycle(course: Course) -> str:
    if course.ended is None:
        return "active"
    return "completed" if course.ended.reason in COMPLETED else "cancelled"


def _achievement(course: Course, rule: MilestoneRule, reached: MilestoneReached | None) -> str:
    """Confirmed is achieved, held sustaining, a regression worsening, a plateau no progress."""
    if reached:
        if held(course, reached):
            return "sustaining"
        return "worsening" if _worse_since(course, rule, reached.reached_at) else "achieved"
    if any(one.milestone == rule.milestone for one in course.still_not_evaluable()):
        return "not-attainable"
    if course.ended:
        return "not-achieved"
    if _worse_since(course, rule, None):
        return "worsening"
    return "no-progress" if any(one.measure == rule.measure for one in course.plateaus) else "in-progress"


def held(course: Course, reached: MilestoneReached) -> bool:
    """Whether three readings followed the confirming one and the mean of the newest three still meets the target."""
    evidence = reached.evidence
    spec = _spec(course, evidence.measure)
    if spec is None or spec.by_rater or evidence.target is None:
        return False
    later = [
        reading.value
        for reading in course.readings
        if (reading.measure, reading.side) == (spec.measure, evidence.side)
        and reading.effective_at > reached.reached_at
        and counts(spec, reading)
    ]
    if len(later) < _LAST:
        return False
    mean = exp(fmean(map(log, later[-_LAST:]))) if spec.scale == "log" else fmean(later[-_LAST:])
    return mean >= evidence.target if spec.better == "higher" else mean <= evidence.target


def _worse_since(course: Course, rule: MilestoneRule, moment: datetime | None) -> bool:
    return any(one.measure == rule.measure and (not moment or one.detected_at > moment) for one in course.regressions)


def _target(known: Known, course: Course, rule: MilestoneRule, evidence: Evidence | None) -> list[Resource] | None:
    """The level to reach, once a baseline says where it lies; sessions are counted from the start."""
    if rule.kind == "session-count" and rule.sessions:
        return [{"measure": concept("Sessions held"), "detailInteger": rule.sessions}]
    spec = _spec(course, rule.measure)
    if spec is None or rule.measure is None:
        return None
    level = evidence.target if evidence else target_level(course, rule, spec)
    detail = {"detailQuantity": quantity(round(level, 3), spec.unit)} if level is not None else {}
    return [{"measure": measure_concept(known.protocols, rule.measure), **detail}] if detail else None


def _spec(course: Course, measure: str | None) -> MeasureSpec | None:
    return next((spec for spec in course.plan.measures if spec.measure == measure), None)


def _notes(course: Course, rule: MilestoneRule, reached: MilestoneReached | None) -> list[Resource] | None:
    """Why it stands so, in plain words."""
    texts = [explain_reached(reached.evidence, reached.reached_at)] if reached else []
    texts += [
        explain_not_evaluable(one.reason) for one in course.still_not_evaluable() if one.milestone == rule.milestone
    ]
    worse = [one for one in course.regressions if one.measure == rule.measure]
    still = [one for one in course.plateaus if one.measure == rule.measure]
    texts += [explain_regression(one.evidence) for one in worse[-1:]]
    texts += [explain_plateau(one.evidence, one.review) for one in still[-1:]]
    return [{"text": text} for text in texts] or None
