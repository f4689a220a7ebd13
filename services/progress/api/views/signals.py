"""Prompts for a clinician: measures that got worse or stand still, and proposed steps."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from services.progress.domain.course import Course
from services.progress.domain.signals import Plateau, Regression
from services.progress.domain.taper import Proposal
from shared.events.clinical import Side
from shared.events.progress import Evidence
from shared.explaining import explain_plateau, explain_proposal, explain_regression


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


def regression_view(course: Course, regression: Regression) -> RegressionView:
    """The view of one regression."""
    return RegressionView(
        measure=course.series[regression.series].spec.measure,
        side=regression.evidence.side,
        reading_id=regression.reading_id,
        detected_at=regression.detected_at,
        evidence=regression.evidence,
        explanation=explain_regression(regression.evidence),
    )


def plateau_view(plateau: Plateau) -> PlateauView:
    """The view of one plateau."""
    return PlateauView(
        measure=plateau.measure,
        review=plateau.review,
        evidence=plateau.evidence,
        explanation=explain_plateau(plateau.evidence, plateau.review),
    )


def proposal_view(proposal: Proposal) -> ProposalView:
    """The view of one proposal."""
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
