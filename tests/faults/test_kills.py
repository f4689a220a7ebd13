"""Services killed outright and servers restarted in mid-flow: the same run comes out all the same."""

import asyncio
import signal
from collections import deque
from datetime import datetime
from pathlib import Path

import pytest

from shared.clock import wall_seconds
from stride.demo.drain import Drain
from stride.demo.draws import generator
from stride.demo.watch import Topics, all_topics
from stride.embedded import SERVICES, Addresses, Stack
from tests.faults.harness import Verdict
from tests.journeys.runs import SMALL, Run, differences, live_through, undisturbed

NAME = "demo-services-and-servers"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(480), pytest.mark.fault(NAME)]

AT_ONCE = "all services"
FAULTS = ("intake", "notifications", "kafka", "progress", "scheduling", "postgres", AT_ONCE)
"""What breaks in turn: each service, each server, in the end all services within a moment."""
_EVERY = 6
"""Waves of events between two faults."""
_LOOKS, _LOOK_SECONDS = 10, 0.05
_SEED = 20260112


class Breakage:
    """Kills or restarts the next of the list while a wave's events are in flight."""

    def __init__(self, stack: Stack) -> None:
        self.left = deque(FAULTS)
        self._stack = stack
        self._waves = 0
        self._next = _EVERY

    async def __call__(self, moment: datetime, in_flight: int) -> None:
        self._waves += 1
        if self._waves >= self._next and self.left and await self._break(self.left[0], moment):
            self.left.popleft()
            self._next = self._waves + _EVERY

    async def _break(self, name: str, moment: datetime) -> bool:
        """Whether it was broken; a service that has nothing to do is left for a later wave."""
        if name == AT_ONCE:
            for service in SERVICES:
                await asyncio.sleep(generator(_SEED, self._waves, service).uniform(0.0, 0.05))
                await self._stack.kill(service, signal.SIGKILL)
        elif name == "intake":
            # Clinic systems wait for its answers: its work is at its door, where no table shows it.
            await self._stack.kill(name, signal.SIGKILL)
        elif name in SERVICES:
            return await self._kill_at_work(name, moment)
        else:
            await self._stack.restart(name)
        return True

    async def _kill_at_work(self, name: str, moment: datetime) -> bool:
        """Held still first, so that what comes meanwhile is certainly undone when it dies."""
        await self._stack.kill(name, signal.SIGSTOP)
        for _ in range(_LOOKS):
            if any(name in words for words in await pending(self._stack.addresses, moment)):
                await self._stack.kill(name, signal.SIGKILL)
                return True
            await asyncio.sleep(_LOOK_SECONDS)
        await self._stack.kill(name, signal.SIGCONT)
        return False


async def pending(addresses: Addresses, now: datetime) -> list[str]:
    """What is still to be done, in words that name the service, the dead ones included."""
    async with Topics.open(addresses.kafka_bootstrap, all_topics()) as topics:
        drain = Drain(addresses.database_url, topics)
        snapshot = await drain.look(now)
        await drain.close()
        return snapshot.pending(await topics.ends())


def verdict_of(quiet: Run, broken: Run) -> Verdict:
    """What the ledger of `make faults` says: a fact that only the quiet run has is lost, one too many doubled."""
    wanted = {(topic, line) for topic, lines in quiet.facts().items() for line in lines}
    found = {(topic, line) for topic, lines in broken.facts().items() for line in lines}
    return Verdict(
        fault=NAME,
        seed=SMALL.seed,
        sent=len(wanted),
        kills=sum(name in SERVICES for name in FAULTS) + len(SERVICES),
        lost=len(wanted - found),
        duplicated=len(found - wanted),
    )


async def test_kills_and_restarts_change_nothing(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The demo's four services killed and its servers restarted in turn, against an undisturbed run."""
    began = wall_seconds()
    quiet = await undisturbed(SMALL, tmp_path / "quiet")
    breakages: list[Breakage] = []

    def break_things(stack: Stack) -> Breakage:
        breakages.append(Breakage(stack))
        return breakages[-1]

    broken = await live_through(tmp_path / "broken", SMALL, break_things)
    verdict = verdict_of(quiet, broken)
    verdict.seconds = round(wall_seconds() - began, 1)
    request.node.user_properties.append(("verdict", verdict))
    assert not breakages[0].left, "some faults never found their service at work"
    assert broken.report.broken == {}
    assert differences(quiet.facts(), broken.facts()) == {}
    assert differences(quiet.rows, broken.rows) == {}
    assert quiet.report.verdicts == broken.report.verdicts
    assert quiet.report.figures.messages == broken.report.figures.messages
