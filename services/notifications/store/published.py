"""The facts that the ledger's rows lead to. Calls of webhooks lead to none."""

from typing import Any, Final, Literal

from sqlalchemy import Row

from services.notifications.domain.state import DeliveryState
from shared.events.notifications import NotificationFailed, NotificationSent

Published = NotificationSent | NotificationFailed
_Failure = Literal["failed", "unknown", "expired", "bounced"]
_FAILURES: Final[dict[str, _Failure]] = {
    "failed": "failed",
    "unknown": "unknown",
    "expired": "expired",
    "bounced": "bounced",
    "undelivered": "bounced",
}


def sent(row: Row[Any]) -> NotificationSent | None:
    """That it was taken, where it was."""
    if row.state not in {DeliveryState.ACCEPTED, DeliveryState.DELIVERED} or row.recipient == "system":
        return None
    return NotificationSent(**_identity(row), accepted_at=row.accepted_at)


def failed(row: Row[Any], state: str = "", reason: str = "") -> NotificationFailed | None:
    """That it did not arrive, as far as anybody knows, where `state` (else the row's own) says so."""
    state = state or row.state
    if state not in _FAILURES or row.recipient == "system":
        return None
    return NotificationFailed(**_identity(row), state=_FAILURES[state], reason=reason or row.reason or state)


def reported(row: Row[Any]) -> Published | None:
    """What a receipt is news of: a message that nobody knew the end of went out, or one did not arrive."""
    if row.state_before == DeliveryState.UNKNOWN and (fact := sent(row)):
        return fact
    return failed(row, reason=row.state)


def _identity(row: Row[Any]) -> dict[str, Any]:
    names = ("clinic_id", "patient_id", "delivery_id", "recipient", "channel", "topic", "subject_id")
    return {name: getattr(row, name) for name in names}
