"""Moves the clinic's time: set the clock, let timers fire, hand in, wait until all is drained.

The clock stands still while the stack works, so every decision of a step is made at the same
`now`, however long a killed service took to come back. See docs/decisions/0002-driven-time.md.
"""

import asyncio
import time
from collections.abc import Coroutine, Generator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from shared.clock import FileClock
from shared.flow import INBOUND_TOPICS
from stride.demo.clinic import Clinic
from stride.demo.doors import Doors
from stride.demo.drain import Drain
from stride.demo.handing import Handing
from stride.demo.watch import Seen, Topics, read
from stride.embedded.side_by_side import side_by_side

STEP = timedelta(hours=6)
_COLLECTING = timedelta(minutes=5)
"""Some messages wait a moment for others of the same cause; they go before the next step."""
_MORNING_HOUR = 6
_AT_ONCE = 8


class Audience(Protocol):
    """Whoever watches the demo."""

    def day(self, moment: datetime) -> None:
        """A simulated day begins."""
        ...

    def saw(self, facts: Sequence[Seen]) -> None:
        """Facts that were published since the last call."""
        ...


class Meanwhile(Protocol):
    """What else goes on while a step's events are in flight; tests break things here."""

    def __call__(self, moment: datetime, in_flight: int) -> Coroutine[object, object, None]:
        """Called once a wave, with the number of events just being handed in."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the demo runs, and how long (wall seconds) a simulated day takes at least."""

    start: datetime
    days: int
    day_seconds: float = 0.0

    def steps(self) -> Generator[datetime]:
        """The moments that the clock is set to."""
        for number in range(int(timedelta(days=self.days) / STEP) + 1):
            yield self.start + number * STEP


class Driver:
    """Runs the clinic's days on a stack that is up."""

    def __init__(
        self,
        *,
        clock: FileClock,
        clinic: Clinic,
        doors: Doors,
        topics: Topics,
        drain: Drain,
        audience: Audience,
        meanwhile: Meanwhile | None = None,
    ) -> None:
        self._clock = clock
        self._clinic = clinic
        self._doors = doors
        self._topics = topics
        self._drain = drain
        self._audience = audience
        self._meanwhile = meanwhile
        self._next_due: datetime | None = None

    async def run(self, pace: Pace) -> None:
        """Live through all days.

        Raises:
            NotDrained: the stack got stuck.
            NoAnswer: a door stayed closed.
        """
        for moment in pace.steps():
            began = time.monotonic()
            if _morning(moment):
                self._audience.day(moment)
            await self._step(moment)
            if _morning(moment):
                await asyncio.sleep(max(0.0, pace.day_seconds - (time.monotonic() - began)))

    async def _step(self, now: datetime) -> None:
        self._clock.set(now)
        if self._next_due is not None and self._next_due <= now:
            await self._settle(now)
        for wave in self._clinic.calendar_events(now):
            await self._hand_in(wave, now)
        if _morning(now):
            await self._decide_proposals(now)
        await self._hand_in(self._clinic.records(now), now)
        if self._next_due is not None and self._next_due <= now + _COLLECTING:
            self._clock.set(now + _COLLECTING)
            await self._settle(now + _COLLECTING)

    async def _decide_proposals(self, now: datetime) -> None:
        """A clinician of each clinic looks at what is proposed, and decides on one after the other."""
        for clinic_id in self._clinic.clinic_ids():
            for decision in self._clinic.decisions(await self._doors.proposals(clinic_id), now):
                await self._hand_in([decision], now)
                await self._hand_in(self._clinic.closing(decision, now), now)

    async def _hand_in(self, handings: Sequence[Handing], now: datetime) -> None:
        """Hand these in, a few at once, and wait until everything that follows from them is done."""
        if not handings:
            return
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(handing: Handing) -> None:
            async with turn:
                await self._doors.hand_in(handing)

        meanwhile = [self._meanwhile(now, len(handings))] if self._meanwhile else []
        await side_by_side(*map(one, handings), *meanwhile)
        await self._settle(now)

    async def _settle(self, now: datetime) -> None:
        snapshot, ends = await self._drain.wait(now)
        self._next_due = snapshot.next_due
        seen = [read(record) for record in await self._topics.read_to(ends) if record.topic not in INBOUND_TOPICS]
        self._clinic.learn(one.fact for one in seen)
        self._audience.saw(seen)


def _morning(moment: datetime) -> bool:
    return moment.hour == _MORNING_HOUR
