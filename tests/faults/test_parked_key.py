"""One key fails for good: it alone waits, and replays, also many at once and during traffic, apply it once in order."""

import asyncio

from tests.faults.between import query
from tests.faults.harness import World, fault
from tests.faults.harness.replay import replay_all

BAD = "bad"


async def traffic(world: World, windows: int) -> None:
    """Events of many keys, the failing one's among them."""
    for _ in range(windows):
        await world.writer.send([world.writer.next(patient=BAD), *(world.writer.next() for _ in range(19))])


async def parked(world: World) -> dict[str, int]:
    rows = await query(world, "SELECT key, count(*) AS events FROM parked GROUP BY key")
    return {row["key"]: row["events"] for row in rows}


async def fails(world: World, windows: int) -> None:
    """The key's first event fails, what follows waits behind it; everything else is applied."""
    await world.writer.send([world.writer.next(patient=BAD, do="fail")])
    await traffic(world, windows)
    await world.quiet()
    assert await parked(world) == {f"ledger/{BAD}": 1 + windows}
    effects = await query(world, "SELECT count(*) AS applied, count(*) FILTER (WHERE key = $1) AS bad FROM effect",
                          f"ledger/{BAD}")  # fmt: skip
    assert (effects[0]["applied"], effects[0]["bad"]) == (19 * windows, 0)


@fault("key-parked", fast=True)
async def test_one_key_fails_and_is_replayed_twice(world: World) -> None:
    """The second replay finds nothing to do."""
    async with world.replicas(2):
        await fails(world, 20)
        assert await replay_all(world) == 21
        assert await replay_all(world) == 0
        await traffic(world, 5)
        await world.quiet()
        assert not await parked(world)


@fault("key-replayed-in-traffic", fast=True)
async def test_the_key_is_replayed_by_many_at_once_and_during_traffic(world: World) -> None:
    """New events of the key go on arriving: they wait behind what is still parked, and are never ahead of it."""
    async with world.replicas(2):
        await fails(world, 30)
        coming = asyncio.create_task(traffic(world, 40))
        done = sum(await asyncio.gather(*(replay_all(world) for _ in range(4))))
        await coming
        await world.quiet()
        while await parked(world):
            done += await replay_all(world)
        await world.quiet()
        assert done >= 31
