"""A course's milestones: reached, taken back, not evaluable or not yet, each with its reason."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from services.progress.domain.course import Course
from services.progress.domain.milestones import Verdict, present_evidence
from services.progress.domain.record import PatientRecord, Published, Subject
from shared.events.progress import Evidence, RetractionCause
from shared.explaining import explain_not_evaluable, explain_reached, explain_retracted


class RetractionView(BaseModel):
    """Why a milestone was taken back: what it had rested on, and what its measure's newest readings say now."""

    occurrence: int
    cause: RetractionCause | None
    """None where an older release took it back."""
    before: Evidence
    after: Evidence | None


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
    taken_back: RetractionView | None
    """Where it does not stand again."""
    explanation: str
    """The verdict in plain words."""


def milestone_view(record: PatientRecord, course: Course, verdict: Verdict) -> MilestoneView:
    """The view of one milestone."""
    rule = verdict.rule
    told = record.published.get(Subject("milestone", course.plan_id, f"{rule.milestone}/{rule.rule_version}"))
    taken_back = _retraction(course, verdict, told) if told and not told.standing else None
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


def _retraction(course: Course, verdict: Verdict, told: Published) -> RetractionView | None:
    if told.evidence is None:
        return None
    after = present_evidence(course, verdict.rule)
    return RetractionView(occurrence=told.number, cause=told.cause, before=told.evidence, after=after)


def _explained(verdict: Verdict, taken_back: RetractionView | None) -> str:
    if verdict.reached_at and verdict.evidence:
        return explain_reached(verdict.evidence, verdict.reached_at)
    if taken_back:
        return explain_retracted(taken_back.before, taken_back.cause, taken_back.after)
    if verdict.not_evaluable:
        return explain_not_evaluable(verdict.not_evaluable)
    return "Not reached yet."
