"""Whether a message may go to a patient now: after opt-outs and wishes come how often, and quiet hours."""

from datetime import datetime, timedelta
from typing import Final

from services.notifications.domain.choices import quiet_hours_of
from services.notifications.domain.reach import TO_ANYBODY
from services.notifications.domain.reminders import zone_of
from services.notifications.domain.state import IN_HAND, MAYBE_TOLD, Delivery, Patient

CAPPED: Final = "too-many"
QUIET: Final = "quiet-hours"
_UNCAPPED: Final = frozenset({"moved", "cancelled", "ended"})
"""Whoever does not hear of these stands before a closed door."""
_COUNTED: Final = MAYBE_TOLD | IN_HAND
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)


def not_before(patient: Patient, delivery: Delivery, now: datetime) -> tuple[datetime, str] | None:
    """Until when the message has to wait, and why; nothing where it may go now, or was asked for just now."""
    if delivery.topic in TO_ANYBODY:
        return None
    if (until := _capped_until(patient, delivery, now)) is not None:
        return until, CAPPED
    until = quiet_hours_of(patient).until(now, zone_of(patient))
    return None if until is None else (until, QUIET)


def _capped_until(patient: Patient, delivery: Delivery, now: datetime) -> datetime | None:
    if delivery.topic in _UNCAPPED:
        return None
    sent = sorted(
        other.due_at
        for other in patient.deliveries.values()
        if other.recipient == "patient" and other.state in _COUNTED and other.due_at > now - _WEEK
    )
    policy = patient.desk.messages
    for span, most in ((_DAY, policy.per_day), (_WEEK, policy.per_week)):
        within = [at for at in sent if at > now - span]
        if len(within) >= most:
            return within[-most] + span
    return None
