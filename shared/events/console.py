"""Facts that people cause: decisions on proposals, and what they do with alerts."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

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


class AlertActionRequested(PatientFact):
    """Somebody takes an alert, hands it on, puts it off or says that it is dealt with; notifications does it.

    Where somebody else was faster, nothing follows: what became of the alert is in its own facts.
    """

    NAME: ClassVar[str] = "alert.action.requested"
    request_id: Identifier
    alert_id: Identifier
    revision: Annotated[int, Field(ge=1)]
    """Of the alert, as they saw it."""
    action: Literal["acknowledge", "assign", "snooze", "resolve"]
    requested_by: Identifier
    requested_at: Moment
    owner: Identifier | None = None
    """To assign: whose it is from now on."""
    until: Moment | None = None
    """To snooze: until when."""
    resolution: Literal["done", "not-needed", "duplicate"] = "done"

    @property
    def natural_key(self) -> str:
        return self.request_id

    @property
    def subject(self) -> str:
        return self.alert_id
