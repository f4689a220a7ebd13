"""What happens when a delivery's time has come, perhaps long ago: the service may have been down."""

from datetime import datetime, timedelta
from typing import Final

from services.notifications.domain.state import OPEN, Delivery, DeliveryState, Patient

MISFIRE_GRACE: Final = timedelta(minutes=5)
"""So late, a `skip` timer still goes."""
TOO_LATE: Final = "too-late"
MISFIRED: Final = "misfired"


def lapsed(valid_until: datetime | None, misfire: str, due_at: datetime, now: datetime) -> str:
    """Why a timer that was due at `due_at` is of no use any more at `now`; "" where it is."""
    if valid_until is not None and now >= valid_until:
        return TOO_LATE
    if misfire == "skip" and now > due_at + MISFIRE_GRACE:
        return MISFIRED
    return ""


def collapsed(patient: Patient, delivery: Delivery, now: datetime) -> bool:
    """Whether a later message of the same kind about the same thing is due as well: that one is enough."""
    return delivery.misfire == "collapse" and any(
        other.state in OPEN
        and other.state is not DeliveryState.SUPPRESSED
        and (other.topic, other.subject_id, other.channel) == (delivery.topic, delivery.subject_id, delivery.channel)
        and delivery.due_at < other.due_at <= now
        for other in patient.deliveries.values()
    )
