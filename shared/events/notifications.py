"""Facts owned by notifications: what was sent and which alerts staff have."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.events.base import Code, Identifier, Moment, PatientFact, Text

THE_CLINIC = "_clinic"
"""Stands for the patient in facts and alerts that are about the clinic itself, so that these go the same way."""


class DeliveryFact(PatientFact):
    """One message to one recipient over one channel. No address and no text: those stay inside."""

    delivery_id: Identifier
    recipient: Literal["patient", "staff"]
    channel: Code
    topic: Code
    subject_id: Identifier

    @property
    def natural_key(self) -> str:
        return self.delivery_id


class NotificationSent(DeliveryFact):
    """The channel accepted the message."""

    NAME: ClassVar[str] = "notification.sent"
    accepted_at: Moment


class NotificationFailed(DeliveryFact):
    """The message could not be sent, or nobody can know whether it was (`unknown`)."""

    NAME: ClassVar[str] = "notification.failed"
    state: Literal["failed", "unknown", "expired", "bounced"]
    reason: Code


class AlertRaised(PatientFact):
    """Staff should look at something."""

    NAME: ClassVar[str] = "alert.raised"
    alert_id: Identifier
    kind: Code
    severity: Literal["info", "warning", "critical"]
    plan_id: Identifier | None = None
    owner: Identifier | None = None
    title: Text
    raised_at: Moment

    @property
    def natural_key(self) -> str:
        return self.alert_id


class AlertFact(PatientFact):
    """What became of an alert. `revision` counts its changes: 1 when it was raised."""

    alert_id: Identifier
    revision: Annotated[int, Field(ge=2)]

    @property
    def natural_key(self) -> str:
        return f"{self.alert_id}/{self.revision}"


class AlertAcknowledged(PatientFact):
    """A person has taken the alert."""

    NAME: ClassVar[str] = "alert.acknowledged"
    alert_id: Identifier
    acknowledged_by: Identifier
    acknowledged_at: Moment
    revision: Annotated[int, Field(ge=2)] | None = None

    @property
    def natural_key(self) -> str:
        return f"{self.alert_id}/{self.revision}" if self.revision else self.alert_id


class AlertEscalated(AlertFact):
    """Nobody took the alert, or nobody finished it: it goes to `owner` now."""

    NAME: ClassVar[str] = "alert.escalated"
    owner: Identifier | None = None
    step: Annotated[int, Field(ge=0)]
    reason: Literal["unacknowledged", "stale-acknowledgement", "snooze-over"]
    escalated_at: Moment


class AlertAssigned(AlertFact):
    """The alert is somebody else's from now on."""

    NAME: ClassVar[str] = "alert.assigned"
    owner: Identifier
    assigned_by: Identifier
    assigned_at: Moment


class AlertSnoozed(AlertFact):
    """The alert is left alone until then."""

    NAME: ClassVar[str] = "alert.snoozed"
    until: Moment
    snoozed_by: Identifier
    snoozed_at: Moment


class AlertResolved(AlertFact):
    """What the alert was about is dealt with."""

    NAME: ClassVar[str] = "alert.resolved"
    resolution: Literal["done", "not-needed", "duplicate"]
    resolved_by: Identifier
    resolved_at: Moment


class RebookingWished(PatientFact):
    """A patient who missed an appointment asks for another time, by the link in the message about it."""

    NAME: ClassVar[str] = "rebooking.wished"
    wish_id: Identifier
    appointment_id: Identifier
    """The appointment that was missed."""
    plan_id: Identifier
    not_before: Moment
    wished_at: Moment

    @property
    def natural_key(self) -> str:
        return self.wish_id


class RosterGapFound(PatientFact):
    """Nobody is on duty for a role for a while in the next seven days. Its patient is `THE_CLINIC`."""

    NAME: ClassVar[str] = "roster.gap.found"
    role: Literal["clinician", "front-desk", "operator"]
    start: Moment
    end: Moment

    @property
    def natural_key(self) -> str:
        return f"{self.role}/{self.start:%Y%m%dT%H%M}"


class ConsentRecorded(PatientFact):
    """A patient's choice of what they may be sent, and how: one entry of a ledger that is only added to.

    The latest choice of each `what` holds.
    """

    NAME: ClassVar[str] = "consent.recorded"
    consent_id: Identifier
    what: Code
    value: Code
    way: Literal["page", "one-click", "sms-keyword", "staff", "clinic-system"]
    wording: Code
    """The version of the words that the choice was made by."""
    recorded_by: Identifier
    recorded_at: Moment

    @property
    def natural_key(self) -> str:
        return self.consent_id
