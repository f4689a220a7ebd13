"""How fast the sender goes about it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of wall time, whatever the clinic's clock says.

    The parts of a lease add up to it: a claim is a quarter of it old at most when its message is
    handed over, and the dialogue with the mail server (five commands and the message) takes at most the rest.
    """

    lease_seconds: float = 15.0
    poll_seconds: float = 1.0
    tick_seconds: float | None = None
    """How often to look at a clock that somebody drives: while it stands still, nothing becomes due by itself."""

    @property
    def fresh_seconds(self) -> float:
        """How old a claim may be when its message is handed over."""
        return self.lease_seconds / 4

    @property
    def command_seconds(self) -> float:
        """How long the mail server may take for a command."""
        return self.lease_seconds / 12

    @property
    def answer_seconds(self) -> float:
        """How long the mail server may take to say whether it took a message."""
        return self.lease_seconds / 3
