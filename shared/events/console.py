"""Facts that people cause: decisions on proposals, what they do with alerts, and what the front desk asks for."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.events.base import Code, Identifier, Moment, PatientFact, Text
from shared.events.clinical import TimeWish


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


class DeskActionRequested(PatientFact):
    """The front desk asks scheduling for something; `desk.action.answered` tells what came of it.

    To book a chosen time or the best by a wish, to say that a session needs none, to put a course on the waitlist or
    take it off, and to answer an offer for a patient, on the phone say.
    """

    NAME: ClassVar[str] = "desk.action.requested"
    request_id: Identifier
    action: Literal["book", "book-by-wish", "give-up", "wait", "stop-waiting", "accept-offer", "decline-offer"]
    plan_id: Identifier
    sequence: Annotated[int | None, Field(ge=1)] = None
    """To book or to give up: which session of the course. For an offer, the session that it is for."""
    offer_id: Identifier | None = None
    start: Moment | None = None
    """To book: this time, with this practitioner, in this room."""
    practitioner_id: Identifier | None = None
    room_id: Identifier | None = None
    wish: TimeWish | None = None
    reason: Code | None = None
    """To give up: why, for instance `patient-declined`."""
    requested_by: Identifier
    requested_at: Moment

    @property
    def natural_key(self) -> str:
        return self.request_id

    @property
    def subject(self) -> str:
        return self.plan_id
