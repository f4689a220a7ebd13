"""One course of care as a whole."""

from datetime import datetime

from pydantic import BaseModel

from services.progress.api.views.milestones import MilestoneView, milestone_view
from services.progress.api.views.series import SeriesView, series_view
from services.progress.api.views.signals import (
    PlateauView,
    ProposalView,
    RegressionView,
    plateau_view,
    proposal_view,
    regression_view,
)
from services.progress.domain.record import PatientRecord
from services.progress.domain.verdicts import Verdicts


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
        series=[series_view(series) for series in course.series.values()],
        milestones=[milestone_view(record, course, verdict) for verdict in verdicts.milestones],
        regressions=[regression_view(course, regression) for regression in verdicts.regressions],
        plateaus=[plateau_view(plateau) for plateau in verdicts.plateaus],
        proposals=[proposal_view(proposal) for proposal in verdicts.proposals],
        adverse_events=[
            AdverseEventView(adverse_event_id=event.adverse_event_id, grade=event.grade, occurred_at=event.occurred_at)
            for event in course.adverse_events
        ],
    )
