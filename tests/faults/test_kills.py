"""Services killed outright and servers restarted in mid-flow: the same run comes out all the same."""

import asyncio
import signal
from collections import deque
from datetime import datetime
from pathlib import Path

import pytest

from stride.demo.draws import generator
from stride.embedded import SERVICES, Stack
from tests.journeys.runs import SMALL, differences, live_through, undisturbed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

FAULTS = (*SERVICES, "kafka", *reversed(SERVICES), "postgres")
_EVERY = 9
"""A fault at every so many-th wave of events."""
_SEED = 20260112


class Breakage:
    """Kills the next process of the list while a wave's events are in flight."""

    def __init__(self, stack: Stack) -> None:
        self.left = deque(FAULTS)
        self.done: list[str] = []
        self._stack = stack
        self._waves = 0

    async def __call__(self, moment: datetime, in_flight: int) -> None:
        self._waves += 1
        if self._waves % _EVERY or not self.left:
            return
        name = self.left.popleft()
        await asyncio.sleep(generator(_SEED, name, self._waves).uniform(0.0, 0.12))
        if name in SERVICES:
            await self._stack.kill(name, signal.SIGKILL)
        else:
            await self._stack.restart(name)
        self.done.append(name)


async def test_kills_and_restarts_change_nothing(tmp_path: Path) -> None:
    quiet = await undisturbed(SMALL, tmp_path / "quiet")
    breakages: list[Breakage] = []

    def break_things(stack: Stack) -> Breakage:
        breakages.append(Breakage(stack))
        return breakages[-1]

    broken = await live_through(tmp_path / "broken", SMALL, break_things)
    assert breakages[0].done == list(FAULTS)
    assert broken.report.broken == {}
    assert differences(quiet.facts(), broken.facts()) == {}
    assert differences(quiet.rows, broken.rows) == {}
    assert quiet.report.verdicts == broken.report.verdicts
    assert quiet.report.figures.messages == broken.report.figures.messages
