"""Facts owned by notifications: what was sent and which alerts staff have."""

from typing import ClassVar, Literal

from shared.events.base import Code, Identifier, Moment, PatientFact, Text


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


class AlertAcknowledged(PatientFact):
    """A person has taken the alert."""

    NAME: ClassVar[str] = "alert.acknowledged"
    alert_id: Identifier
    acknowledged_by: Identifier
    acknowledged_at: Moment

    @property
    def natural_key(self) -> str:
        return self.alert_id
