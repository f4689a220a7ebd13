"""SIGSTOP past the session, then SIGCONT: the frozen one wakes up and believes that it still owns everything."""

import asyncio
import signal

from tests.faults.harness import Replica, World, fault
from tests.faults.harness.world import SESSION_SECONDS

_FROZEN_SECONDS = 3 * SESSION_SECONDS


async def freeze_at(world: World, point: str) -> None:
    """Twice, a replica freezes at `point` for three sessions beside another that goes on, under load."""
    async with world.replicas(1):
        for passage in (3, 5):
            sleeper = await world.start(crash_at=f"{point}:{passage}:SIGSTOP")
            await world.write(200, window=20, pause=0.05, until=lambda one=sleeper: one.frozen)
            await _sleep_through(world, sleeper)
            assert sleeper.alive, f"it did not go on: {sleeper.log}"
        await world.quiet()


async def _sleep_through(world: World, sleeper: Replica) -> None:
    writing = asyncio.create_task(world.write(300, window=20, pause=0.05))
    await asyncio.sleep(_FROZEN_SECONDS)
    assert sleeper.frozen
    sleeper.signal(signal.SIGCONT)
    await writing


@fault("freeze-before-commit")
async def test_frozen_before_its_commit(world: World) -> None:
    """It holds the locks of its batch while its partitions go to another, and commits when it wakes."""
    await freeze_at(world, "before-commit")


@fault("freeze-between-commit-and-offset")
async def test_frozen_between_commit_and_offset(world: World) -> None:
    """Others have read on when it wakes and hands in its old offset."""
    await freeze_at(world, "before-offset")


@fault("freeze-relay-while-sending")
async def test_relay_frozen_while_sending(world: World) -> None:
    """It owns its buckets throughout: others must not overtake it in them."""
    await freeze_at(world, "relay-send")


@fault("freeze-relay-after-ack")
async def test_relay_frozen_after_kafkas_ack(world: World) -> None:
    """What it published waits for its mark until it wakes."""
    await freeze_at(world, "relay-acked")
