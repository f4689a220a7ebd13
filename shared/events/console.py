"""Facts that people cause: decisions on proposals."""

from typing import ClassVar

from shared.events.base import Identifier, Moment, PatientFact, Text


class ProposalDecision(PatientFact):
    """A clinician decided on a proposed adjustment."""

    proposal_id: Identifier
    plan_id: Identifier
    decided_by: Identifier
    decided_at: Moment
    reason: Text = ""

    @property
    def natural_key(self) -> str:
        return self.proposal_id


class PlanAdjustmentApproved(ProposalDecision):
    """The proposed step is to be taken."""

    NAME: ClassVar[str] = "plan.adjustment.approved"


class PlanAdjustmentDeclined(ProposalDecision):
    """The proposed step is not to be taken."""

    NAME: ClassVar[str] = "plan.adjustment.declined"
