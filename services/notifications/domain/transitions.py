"""Which state of a delivery may follow on which. PostgreSQL refuses every other change (migration 0004)."""

from collections.abc import Mapping
from typing import Final

from services.notifications.domain.state import DeliveryState as S

_TAKEN_BACK: Final = frozenset({S.SUPPRESSED, S.SUPERSEDED, S.EXPIRED, S.GROUPED})
_AFTER: Final = frozenset({S.DELIVERED, S.UNDELIVERED, S.BOUNCED})

TRANSITIONS: Final[Mapping[S, frozenset[S]]] = {
    S.PLANNED: _TAKEN_BACK | {S.SCHEDULED},
    S.SUPPRESSED: _TAKEN_BACK - {S.SUPPRESSED} | {S.PLANNED, S.SCHEDULED},
    S.SCHEDULED: _TAKEN_BACK | {S.PLANNED, S.DEFERRED, S.READY},
    S.DEFERRED: _TAKEN_BACK | {S.SCHEDULED, S.READY},
    S.READY: _TAKEN_BACK | {S.SCHEDULED, S.DEFERRED, S.CLAIMED},
    S.CLAIMED: _TAKEN_BACK | {S.PLANNED, S.READY, S.DEFERRED, S.SENDING, S.FAILED},
    S.SENDING: frozenset({S.READY, S.DEFERRED, S.ACCEPTED, S.FAILED, S.UNKNOWN}),
    S.ACCEPTED: _AFTER,
    S.UNKNOWN: _AFTER | {S.ACCEPTED},
    S.DELIVERED: _AFTER - {S.DELIVERED},
    S.UNDELIVERED: _AFTER - {S.UNDELIVERED},
    S.BOUNCED: _AFTER - {S.BOUNCED},
    S.FAILED: frozenset(),
    S.SUPERSEDED: frozenset(),
    S.EXPIRED: frozenset(),
    S.GROUPED: frozenset(),
}
"""A receipt may correct a receipt: whichever stands highest holds (`receipts.py`)."""
