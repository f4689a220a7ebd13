"""How a course stands, as JSON."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from services.progress.domain.course import Course
from services.progress.domain.milestones import Verdict
from services.progress.domain.record import PatientRecord, Subject
from services.progress.domain.series import Series
from services.progress.domain.signals import Plateau, Regression
from services.progress.domain.taper import Proposal
from services.progress.domain.verdicts import Verdicts
from shared.events.clinical import Side
from shared.events.progress import Evidence
from shared.explaining import (
    explain_not_evaluable,
    explain_plateau,
    explain_proposal,
    explain_reached,
    explain_regression,
    explain_retracted,
)


class BaselineView(BaseModel):
    """A settled baseline, in the measure's unit."""

    value: float
    readings: tuple[str, ...]


class ReadingView(BaseModel):
    """A reading that counts, at its newest revision."""

    measurement_id: str
    value: float
    effective_at: datetime
    revision: int


class SeriesView(BaseModel):
    """The readings of one measure, side and device."""

    measure: str
    side: Side | None
    device: str | None
    unit: str
    better: Literal["lower", "higher"]
    baseline: BaselineView | None
    readings: list[ReadingView]


class MilestoneView(BaseModel):
    """A milestone: reached on what evidence, not evaluable for what reason, or not yet."""

    milestone: str
    title: str
    rule_version: int
    state: Literal["reached", "not-yet", "not-evaluable"]
    occurrence: int | None
    reached_at: datetime | None
    reason: str | None
    evidence: Evidence | None
    taken_back: Evidence | None
    """What it had rested on before it was taken back, where it does not stand again."""
    explanation: str
    """The verdict in plain words."""


class RegressionView(BaseModel):
    """A measure got worse."""

    measure: str
    side: Side | None
    reading_id: str
    detected_at: datetime
    evidence: Evidence
    explanation: str


class PlateauView(BaseModel):
    """A measure stood still at a review."""

    measure: str
    review: int
    evidence: Evidence
    explanation: str


class ProposalView(BaseModel):
    """A proposed step along the ladder."""

    proposal_id: str
    plan_version: int
    from_step: int
    to_step: int
    proposed_at: datetime
    reason: str
    state: Literal["open", "approved", "declined"]
    evidence: Evidence
    explanation: str


class AdverseEventView(BaseModel):
    """An adverse event of the patient."""

    adverse_event_id: str
    grade: int
    occurred_at: datetime


class CourseView(BaseModel):
    """One course of care."""

    plan_id: str
    patient_id: str
    protocol_id: str
    protocol_version: int
    plan_version: int
    step: int
    step_name: str | None
    ended: bool
    sessions: int
    series: list[SeriesView]
    milestones: list[MilestoneView]
    regressions: list[RegressionView]
    plateaus: list[PlateauView]
    proposals: list[ProposalView]
    adverse_events: list[AdverseEventView]


def course_view(record: PatientRecord, verdicts: Verdicts) -> CourseView:
    """The view of the course that `verdicts` judge."""
    course = verdicts.course
    version, step, _ = course.stage
    return CourseView(
        plan_id=course.plan_id,
        patient_id=record.patient_id,
        protocol_id=course.terms.protocol_id,
        protocol_version=course.terms.protocol_version,
        plan_version=version,
        step=step,
        step_name=course.terms.rungs[step] if step < len(course.terms.rungs) else None,
        ended=course.ended,
        sessions=len(course.sessions),
        series=[_series(series) for series in course.series.values()],
        milestones=[_milestone(record, course.plan_id, verdict) for verdict in verdicts.milestones],
        regressions=[_regression(course, regression) for regression in verdicts.regressions],
        plateaus=[_plateau(plateau) for plateau in verdicts.plateaus],
        proposals=[_proposal(proposal) for proposal in verdicts.proposals],
        adverse_events=[
            AdverseEventView(adverse_event_id=event.adverse_event_id, grade=event.grade, occurred_at=event.occurred_at)
            for event in course.adverse_events
        ],
    )


def _series(series: Series) -> SeriesView:
    baseline = series.baseline
    return SeriesView(
        measure=series.spec.measure,
        side=series.side,
        device=series.device,
        unit=series.spec.unit,
        better=series.spec.better,
        baseline=BaselineView(value=series.value(baseline.level), readings=baseline.ids) if baseline else None,
        readings=[
            ReadingView(
                measurement_id=reading.measurement_id,
                value=reading.value,
                effective_at=reading.effective_at,
                revision=reading.revision,
            )
            for reading in series.readings
        ],
    )


def _milestone(record: PatientRecord, plan_id: str, verdict: Verdict) -> MilestoneView:
    rule = verdict.rule
    told = record.published.get(Subject("milestone", plan_id, f"{rule.milestone}/{rule.rule_version}"))
    taken_back = told.evidence if told and not told.standing else None
    return MilestoneView(
        milestone=rule.milestone,
        title=rule.title,
        rule_version=rule.rule_version,
        state=verdict.state,
        occurrence=told.number if told and verdict.reached_at else None,
        reached_at=verdict.reached_at,
        reason=verdict.not_evaluable or None,
        evidence=verdict.evidence,
        taken_back=taken_back,
        explanation=_explained(verdict, taken_back),
    )


def _explained(verdict: Verdict, taken_back: Evidence | None) -> str:
    if verdict.reached_at and verdict.evidence:
        return explain_reached(verdict.evidence, verdict.reached_at)
    if taken_back:
        return explain_retracted(taken_back, None, None)
    if verdict.not_evaluable:
        return explain_not_evaluable(verdict.not_evaluable)
    return "Not reached yet."


def _regression(course: Course, regression: Regression) -> RegressionView:
    return RegressionView(
        measure=course.series[regression.series].spec.measure,
        side=regression.evidence.side,
        reading_id=regression.reading_id,
        detected_at=regression.detected_at,
        evidence=regression.evidence,
        explanation=explain_regression(regression.evidence),
    )


def _plateau(plateau: Plateau) -> PlateauView:
    return PlateauView(
        measure=plateau.measure,
        review=plateau.review,
        evidence=plateau.evidence,
        explanation=explain_plateau(plateau.evidence, plateau.review),
    )


def _proposal(proposal: Proposal) -> ProposalView:
    return ProposalView(
        proposal_id=proposal.proposal_id,
        plan_version=proposal.version,
        from_step=proposal.from_step,
        to_step=proposal.to_step,
        proposed_at=proposal.proposed_at,
        reason=proposal.reason,
        state=proposal.state,
        evidence=proposal.evidence,
        explanation=explain_proposal(proposal.evidence, forward=proposal.to_step > proposal.from_step),
    )
