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
from stride.embedded import SERVICES, Addresses, Stack
from tests.journeys.runs import SMALL, differences, live_through, undisturbed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

FAULTS = (("notifications", "intake"), ("kafka",), ("progress", "scheduling"), ("postgres",), tuple(reversed(SERVICES)))
"""What breaks in turn: services one shortly after the other, each server, in the end all services."""
AT_THE_DOOR = ("intake",)
"""Killed without being held still: clinic systems wait for its answers, so its work is at its door."""
_LOOKS = 40
_EVERY = 9
"""Waves of events between two faults."""
_SEED = 20260112


class Breakage:
    """Kills or restarts the next of the list while a wave's events are in flight."""

    def __init__(self, stack: Stack) -> None:
        self.left = deque(FAULTS)
        self.caught_at_work = 0
        """How many services had work before them when they were killed."""
        self._stack = stack
        self._waves = 0
        self._next = _EVERY

    async def __call__(self, moment: datetime, in_flight: int) -> None:
        self._waves += 1
        if self._waves < self._next or not self.left:
            return
        self._next = self._waves + _EVERY
        for name in self.left.popleft():
            await asyncio.sleep(generator(_SEED, self._waves, name).uniform(0.0, 0.05))
            await self._break(name, moment)

    async def _break(self, name: str, moment: datetime) -> None:
        if name not in SERVICES:
            await self._stack.restart(name)
            return
        if name not in AT_THE_DOOR:
            # Held still first, so that what comes meanwhile is certainly undone when it dies.
            await self._stack.kill(name, signal.SIGSTOP)
            self.caught_at_work += await self._has_work(name, moment)
        await self._stack.kill(name, signal.SIGKILL)

    async def _has_work(self, name: str, moment: datetime) -> bool:
        for _ in range(_LOOKS):
            if any(name in words for words in await pending(self._stack.addresses, moment)):
                return True
            await asyncio.sleep(0.05)
        return False


async def pending(addresses: Addresses, now: datetime) -> list[str]:
    """What is still to be done, in words that name the service, the dead ones included."""
    async with Topics.open(addresses.kafka_bootstrap, all_topics()) as topics:
        drain = Drain(addresses.database_url, topics)
        snapshot = await drain.look(now)
        await drain.close()
        return snapshot.pending(await topics.ends())


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
