"""The loop around the courier: fires timers, claims what is ready, has several messages on their way."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Final

from services.notifications.sender.courier import Courier
from services.notifications.sender.pace import Pace
from services.notifications.sender.writer import Writer
from services.notifications.store.ledger import Claim, Ledger, Result
from services.notifications.store.timers import AT_ONCE
from shared.clock import SystemClock, wall_seconds
from shared.messaging.door import Door
from shared.messaging.errors import Unavailable
from shared.telemetry import log

_PAUSE: Final = 0.2
_EAGER_ROUNDS, _EAGER_SECONDS = 10, 0.05
_FINISH_SECONDS: Final = 8


class Sender:
    """Sends what is due, several messages a channel at a time, each patient's one after the other."""

    def __init__(self, door: Door, ledger: Ledger, writer: Writer, courier: Courier, pace: Pace) -> None:
        self._door, self._ledger, self._writer, self._courier, self._pace = door, ledger, writer, courier, pace
        self._due = ledger.store.due
        self._on_their_way: set[asyncio.Task[None]] = set()
        self._looked_at: datetime | None = None
        self._eager = 0
        self._next_take_over = 0.0

    async def run(self) -> None:
        """Send until cancelled; then what is on its way is finished and written down."""
        writing = asyncio.create_task(self._writer.run())
        try:
            while not writing.done():
                await self._round()
        finally:
            if self._on_their_way:
                await asyncio.wait(self._on_their_way, timeout=_FINISH_SECONDS)
            self._writer.finish()
            await asyncio.wait([writing], timeout=_FINISH_SECONDS)
            writing.cancel()
        await writing

    async def _round(self) -> None:
        try:
            fired, claims = await self._look()
            abandoned = await self._take_over()
        except Unavailable as error:
            log().warning("sender-waits", reason=str(error))
            await asyncio.sleep(_PAUSE)
            return
        for claim in claims:
            self._start(claim, self._courier.send(claim))
        for claim in abandoned:
            self._start(claim, self._courier.resolve(claim))
        if not claims and fired < AT_ONCE:
            await self._until_due()

    async def _look(self) -> tuple[int, list[Claim]]:
        """Fire timers and claim as many messages as can go at once; the number of timers, and the claims."""
        self._looked_at = self._door.clock.now()
        # None: the database's own clock tells, as for every process.
        now = None if isinstance(self._door.clock, SystemClock) else self._looked_at
        claims: list[Claim] = []
        async with self._door.work() as work:
            fired, facts = await self._ledger.fire(work.tx, now)
            for route in self._courier.routes.values():
                limit, only_urgent = route.room()
                if limit > 0:
                    ours, dropped = await self._ledger.claim(
                        work.tx, now, route.channel, limit, only_urgent=only_urgent
                    )
                    claims += ours
                    facts += dropped
            for fact in facts:
                self._door.publish(work, fact)
        return fired, claims

    async def _take_over(self) -> list[Claim]:
        if wall_seconds() < self._next_take_over:
            return []
        self._next_take_over = wall_seconds() + self._pace.lease_seconds / 5
        async with self._door.work() as work:
            return await self._ledger.take_over(work.tx, self._pace.lease_seconds, self._writer.held)

    def _start(self, claim: Claim, outcome: Coroutine[None, None, Result | None]) -> None:
        """Hold the claim until its result is written down, or until there is none."""
        self._writer.held.add(claim.delivery.delivery_id)
        self._courier.routes[claim.delivery.channel].busy += 1
        task = asyncio.create_task(self._note(claim, outcome))
        self._on_their_way.add(task)
        task.add_done_callback(self._ended)

    async def _note(self, claim: Claim, outcome: Coroutine[None, None, Result | None]) -> None:
        result = None
        try:
            result = await outcome
        finally:
            self._courier.routes[claim.delivery.channel].busy -= 1
            if result is None:
                self._writer.held.discard(claim.delivery.delivery_id)
            else:
                self._writer.note(result)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._on_their_way.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log().error("send-broke-off", error_type=type(error).__name__)

    async def _until_due(self) -> None:
        """Until something may be due. The hint comes before its commit, so look a few times after it."""
        timeout = _EAGER_SECONDS if self._eager else self._pace.poll_seconds
        self._eager = max(0, self._eager - 1)
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await (self._driven() if self._pace.tick_seconds else self._due.wait())
        if self._due.is_set():
            self._due.clear()
            self._eager = _EAGER_ROUNDS

    async def _driven(self) -> None:
        """Until the hint, or until somebody has moved the clock since we looked."""
        assert self._pace.tick_seconds is not None
        while not self._due.is_set() and self._door.clock.now() == self._looked_at:  # noqa: ASYNC110  # a file, no event
            await asyncio.sleep(self._pace.tick_seconds)
