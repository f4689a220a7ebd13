"""What a provider reports of a message after it took it, in whatever order the reports arrive."""

from dataclasses import dataclass
from typing import Final

from services.notifications.domain.state import DeliveryState

_PRECEDENCE: Final = (
    DeliveryState.ACCEPTED,
    DeliveryState.UNDELIVERED,
    DeliveryState.BOUNCED,
    DeliveryState.DELIVERED,
)
REPORTED: Final = frozenset(_PRECEDENCE)


@dataclass(frozen=True, slots=True)
class Receipt:
    """One report. `sequence` grows from report to report of a message; 0 where the provider counts none."""

    delivery_id: str
    state: DeliveryState
    sequence: int = 0
    reference: str = ""
    """The provider's own id of the message."""

    @property
    def standing(self) -> tuple[int, int, int]:
        """Receipts of a message are totally ordered by this; the highest holds, so order does not matter.

        What became of a message outranks that it is on its way; then the provider's sequence decides.
        """
        return int(self.state is not DeliveryState.ACCEPTED), self.sequence, _PRECEDENCE.index(self.state)
