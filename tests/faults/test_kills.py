"""Services killed outright and servers restarted in mid-flow: the same run comes out all the same."""

import asyncio
import signal
from collections import deque
from datetime import datetime
from pathlib import Path

import pytest

from stride.demo.drain import Drain
from stride.demo.draws import generator
from stride.demo.watch import Topics, all_topics
from stride.embedded import SERVICES, Stack
from tests.journeys.runs import SMALL, differences, live_through, undisturbed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

FAULTS = (("intake", "notifications"), ("kafka",), ("scheduling", "progress"), ("postgres",), SERVICES)
"""What breaks in turn: services one shortly after the other, each server, in the end all services."""
_EVERY = 10
"""A fault at every so many-th wave of events."""
_SEED = 20260112


class Breakage:
    """Kills or restarts the next of the list while a wave's events are in flight."""

    def __init__(self, stack: Stack) -> None:
        self.left = deque(FAULTS)
        self.caught_at_work = 0
        """How many kills left work undone that was being done."""
        self._stack = stack
        self._waves = 0

    async def __call__(self, moment: datetime, in_flight: int) -> None:
        self._waves += 1
        if self._waves % _EVERY or not self.left:
            return
        names = self.left.popleft()
        for name in names:
            await asyncio.sleep(generator(_SEED, self._waves, name).uniform(0.0, 0.1))
            await self._break(name, moment)

    async def _break(self, name: str, moment: datetime) -> None:
        if name in SERVICES:
            await self._stack.kill(name, signal.SIGKILL)
            self.caught_at_work += await self._something_pending(moment)
        else:
            await self._stack.restart(name)

    async def _something_pending(self, now: datetime) -> bool:
        addresses = self._stack.addresses
        async with Topics.open(addresses.kafka_bootstrap, all_topics()) as topics:
            drain = Drain(addresses.database_url, topics)
            snapshot = await drain.look(now)
            await drain.close()
            return bool(snapshot.pending(await topics.ends()))


async def test_kills_and_restarts_change_nothing(tmp_path: Path) -> None:
    quiet = await undisturbed(SMALL, tmp_path / "quiet")
    breakages: list[Breakage] = []

    def break_things(stack: Stack) -> Breakage:
        breakages.append(Breakage(stack))
        return breakages[-1]

    broken = await live_through(tmp_path / "broken", SMALL, break_things)
    assert not breakages[0].left
    assert breakages[0].caught_at_work >= 3
    assert broken.report.broken == {}
    assert differences(quiet.facts(), broken.facts()) == {}
    assert differences(quiet.rows, broken.rows) == {}
    assert quiet.report.verdicts == broken.report.verdicts
    assert quiet.report.figures.messages == broken.report.figures.messages
