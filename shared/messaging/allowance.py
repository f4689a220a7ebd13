"""How much a run may take up, and how fast: replays go beside the clinic's own traffic."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field


def _quiet() -> None:
    """For runs that nobody watches."""


@dataclass(slots=True)
class Allowance:
    """Counts the events that a run takes up: `most` of them at most, `per_second` at most (None: no limit).

    `told` is called after each. `seconds` and `sleep` are the machine's, unless a test drives them.
    """

    most: int | None = None
    per_second: float | None = None
    told: Callable[[], None] = _quiet
    seconds: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    taken: int = 0
    _next_turn: float = field(default=0.0, init=False)
    _this_turn: float = field(default=0.0, init=False)

    @property
    def spent(self) -> bool:
        """Whether no more events may be taken up."""
        return self.most is not None and self.taken >= self.most

    async def turn(self) -> None:
        """Returns when the next event may be taken up."""
        wait = self._next_turn - self.seconds()
        if wait > 0:
            await self.sleep(wait)
        self._this_turn = max(self._next_turn, self.seconds())

    def count(self) -> None:
        """An event was taken up, with success or without."""
        self.taken += 1
        if self.per_second:
            self._next_turn = self._this_turn + 1 / self.per_second
        self.told()
