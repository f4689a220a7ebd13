"""The way out of a channel: its providers in order, how each is doing, and who is next.

Only messages that a provider has certainly not taken go to another one.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from services.notifications.gateways import Provider
from services.notifications.store.allowances import Limit
from services.notifications.store.ledger import Claim

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_MOST_REMEMBERED: Final = 10_000
MAIL_LADDER: Final = (30, 120, 600, 1800, *[3600] * 8)
"""Seconds of the clinic's clock until a message that was put off is tried again, attempt by attempt."""
WEBHOOK_LADDER: Final = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""As the Standard Webhooks specification recommends: ten attempts in about three days."""


class Breaker:
    """Keeps messages from a provider that can't be reached: for a moment, longer each time, then one may try."""

    def __init__(self) -> None:
        self._pause = 0.0
        self._open_until = 0.0
        self._trying = False

    @property
    def state(self) -> str:
        """`closed` (all may go), `half-open` (one may try) or `open` (none)."""
        if not self._pause:
            return "closed"
        return "open" if self._trying or time.monotonic() < self._open_until else "half-open"

    def begin(self) -> None:
        """A message is on its way."""
        self._trying = self._trying or self.state == "half-open"

    def worked(self) -> None:
        """The provider answered, whatever it said."""
        self._pause, self._trying = 0.0, False

    def failed(self) -> None:
        """It could not be reached. Those who failed together count once."""
        if self._trying or not self._pause:
            self._pause = min(max(2 * self._pause, _FIRST_PAUSE), _LONGEST_PAUSE)
            self._open_until = time.monotonic() + self._pause
        self._trying = False


@dataclass(slots=True)
class Outlet:
    """A provider, its limit, and how it is doing."""

    provider: Provider
    limit: Limit | None = None
    breaker: Breaker = field(default_factory=Breaker)


@dataclass(slots=True)
class Route:
    """A channel's outlets, the first in order while it can be used. `at_once` messages may be on their way.

    `spare` more may be, if they are urgent.
    """

    channel: str
    outlets: Sequence[Outlet]
    at_once: int = 10
    spare: int = 2
    ladder: Sequence[int] = MAIL_LADDER
    jitter: float = 0.0
    """Share of a wait that chance adds."""
    busy: int = 0
    _refused: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    _held_until: float = 0.0

    def room(self) -> tuple[int, bool]:
        """How many messages may start now, and whether only urgent ones may."""
        states = {outlet.breaker.state for outlet in self.outlets}
        if time.monotonic() < self._held_until or states == {"open"}:
            return 0, False
        if states and "closed" not in states:
            return 1, False
        free = self.at_once - self.busy
        # Whole handfuls at a time, so that there are few claims; what is urgent does not wait for that.
        return (free, False) if 2 * free >= self.at_once else (max(0, free + self.spare), True)

    def choose(self, claim: Claim) -> Outlet | None:
        """The first outlet that can be used and has not refused this message."""
        refused = self._refused.get(claim.delivery.delivery_id, set())
        usable = [o for o in self.outlets if o.breaker.state != "open" and o.provider.name not in refused]
        return usable[0] if usable else None

    def refuse(self, claim: Claim, outlet: Outlet) -> bool:
        """`outlet` does not take the message; whether another one is left that may."""
        if len(self._refused) > _MOST_REMEMBERED:
            self._refused.clear()
        refused = self._refused.setdefault(claim.delivery.delivery_id, set())
        refused.add(outlet.provider.name)
        if len(refused) < len(self.outlets):
            return True
        self.forget(claim)
        return False

    def forget(self, claim: Claim) -> None:
        """The message is settled, or starts anew."""
        self._refused.pop(claim.delivery.delivery_id, None)

    def hold_up(self, limit: Limit | None) -> None:
        """A provider's limit is reached: start nothing until it has room for a message."""
        self._held_until = time.monotonic() + min(1.0, 1.0 / limit.per_second if limit else 0.0)

    def named(self, provider: str) -> Outlet | None:
        """The outlet of this name, if it is still there."""
        return next((outlet for outlet in self.outlets if outlet.provider.name == provider), None)
