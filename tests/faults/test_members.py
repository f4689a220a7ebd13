"""Members that join, leave and are told to stop, under load."""

import asyncio
import signal

from tests.faults.harness import Replica, World, fault

_IN_TIME_SECONDS = 20
"""The grace that supervisors give: stopping takes less."""


@fault("members-come-and-go", timeout=240)
async def test_members_join_and_leave_every_two_seconds(world: World) -> None:
    """Beside one that stays, a second and a third come and go every two seconds or so."""
    visits = 0

    async def visit() -> None:
        nonlocal visits
        while True:
            guest = await world.start()
            await asyncio.sleep(world.random.uniform(1.0, 2.5))
            guest.signal(signal.SIGTERM)
            assert await guest.ended(_IN_TIME_SECONDS) == 0
            visits += 1
            await asyncio.sleep(world.random.uniform(0.0, 1.0))

    async with world.replicas(1):
        visiting = [asyncio.create_task(visit()) for _ in range(2)]
        await world.write(1500, window=20, pause=0.1, until=lambda: visits >= 12 or any(v.done() for v in visiting))
        for one in visiting:
            one.cancel()
        ended = await asyncio.gather(*visiting, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ended), ended
        await world.quiet()


async def _terminate(world: World, one: Replica, times: int) -> None:
    """Told to stop in the middle of its work, `times` times; it has to be out in time, and say that all is well."""
    for _ in range(times):
        one.signal(signal.SIGTERM)
        await asyncio.sleep(0.1)
    assert await one.ended(_IN_TIME_SECONDS) == 0, f"it did not stop as it should: {one.log}"


async def _told_to_stop(world: World, times: int) -> None:
    async with world.replicas(2) as replicas:
        for _ in range(3):
            writing = asyncio.create_task(world.write(600, window=60, pause=0.05))
            await world.until_ready(replicas)
            # Each is in the middle of a batch when it is told.
            await world.writer.send([world.writer.next(do="dawdle", seconds=0.1) for _ in range(16)])
            await asyncio.sleep(world.random.uniform(0.1, 0.4))
            await _terminate(world, replicas[0], times)
            await writing
        await world.quiet()


@fault("sigterm-under-load", fast=True)
async def test_told_to_stop_under_load(world: World) -> None:
    """SIGTERM in the middle of batches: out within 20 s with exit code 0, three times."""
    await _told_to_stop(world, 1)


@fault("sigterm-twice-under-load")
async def test_told_to_stop_twice_under_load(world: World) -> None:
    """An impatient second SIGTERM changes nothing."""
    await _told_to_stop(world, 2)
