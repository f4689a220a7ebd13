"""Services killed outright and servers restarted in mid-flow: the same run comes out all the same."""

import asyncio
import signal
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import asyncpg
import pytest
from aiokafka.errors import KafkaError

from stride.demo.drain import Drain
from stride.demo.draws import generator
from stride.demo.watch import Topics, all_topics
from stride.embedded import SERVICES, Stack
from tests.journeys.runs import SMALL, differences, live_through, undisturbed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

FAULTS = (("intake", "notifications"), ("kafka",), ("scheduling", "progress"), ("postgres",), SERVICES)
"""What breaks in turn: services one shortly after the other, each server, in the end all services."""
_EVERY = 10
"""Waves of events between two faults."""
_SEED = 20260112


class Breakage:
    """Kills or restarts the next of the list while a wave's events are in flight."""

    def __init__(self, stack: Stack) -> None:
        self.left = deque(FAULTS)
        self.caught_at_work = 0
        """How many kills left work undone that was being done."""
        self._stack = stack
        self._waves = 0
        self._next = _EVERY

    async def __call__(self, moment: datetime, in_flight: int) -> None:
        self._waves += 1
        if self._waves < self._next or not self.left:
            return
        addresses = self._stack.addresses
        async with Topics.open(addresses.kafka_bootstrap, all_topics()) as topics:
            drain = Drain(addresses.database_url, topics)
            if await at_work(topics, drain, moment):
                await self._strike(self.left.popleft())
                self.caught_at_work += await at_work(topics, drain, moment)
            await drain.close()

    async def _strike(self, names: Sequence[str]) -> None:
        self._next = self._waves + _EVERY
        for name in names:
            await asyncio.sleep(generator(_SEED, self._waves, name).uniform(0.0, 0.05))
            if name in SERVICES:
                await self._stack.kill(name, signal.SIGKILL)
            else:
                await self._stack.restart(name)


async def at_work(topics: Topics, drain: Drain, now: datetime) -> bool:
    """Whether something is in flight within the next moments. Where a server is just back, nobody can tell."""
    try:
        for _ in range(10):
            if (await drain.look(now)).pending(await topics.ends()):
                return True
    except (KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return False
    return False


async def test_kills_and_restarts_change_nothing(tmp_path: Path) -> None:
    quiet = await undisturbed(SMALL, tmp_path / "quiet")
    breakages: list[Breakage] = []

    def break_things(stack: Stack) -> Breakage:
        breakages.append(Breakage(stack))
        return breakages[-1]

    broken = await live_through(tmp_path / "broken", SMALL, break_things)
    assert not breakages[0].left
    assert breakages[0].caught_at_work >= 2
    assert broken.report.broken == {}
    assert differences(quiet.facts(), broken.facts()) == {}
    assert differences(quiet.rows, broken.rows) == {}
    assert quiet.report.verdicts == broken.report.verdicts
    assert quiet.report.figures.messages == broken.report.figures.messages
