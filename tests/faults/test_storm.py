"""Seeded kills without end, spread over every crash point, in several ledger services side by side."""

import asyncio
import os
from collections.abc import Iterator

from tests.faults.harness import World, fault
from tests.faults.harness.crash import POINTS
from tests.faults.harness.progress import far

KILLS = int(os.environ.get("STRIDE_FAULT_KILLS", "60"))
REPLICAS = (1, 1, 1, 1, 1, 2, 2, 3)
"""The lanes of the storm: how many replicas share the group of each."""
_PER_EVENT = frozenset({"deciding", "relay-send", "relay-acked"})
"""Points that are passed for each event; the others are passed once for a batch."""
_OUTSIDE = "outside"
_SECONDS_A_KILL = 6.0
"""A bound for the deadline, ten times what a kill takes."""


def crashes(lane: World, kills: int) -> Iterator[str]:
    """Where each of the lane's processes dies, until `kills` are dead or about to be."""
    while True:
        doomed = sum(replica.alive and replica.doomed for replica in lane.started)
        yield _draw(lane) if lane.kills + doomed < kills else ""


def _draw(lane: World) -> str:
    point = lane.random.choice([*POINTS, _OUTSIDE])
    if point == _OUTSIDE:
        return f"{_OUTSIDE}:{lane.random.uniform(0.2, 4.0):.3f}"
    return f"{point}:{lane.random.randint(1, 60 if point in _PER_EVENT else 4)}"


async def _live_through(lane: World, replicas: int, kills: int) -> None:
    async with lane.replicas(replicas, crashes(lane, kills)):
        await lane.write(200, window=10, pause=0.1, until=lambda: lane.kills >= kills)
        await lane.quiet()


async def _tell(world: World) -> None:
    while True:
        far(world.kills, KILLS)
        await asyncio.sleep(0.5)


@fault("storm", timeout=120 + KILLS * _SECONDS_A_KILL)
async def test_storm(world: World) -> None:
    """SIGKILL at drawn points of consumer, relay and commits, and at drawn moments: `--kills N` of them."""
    lanes = [await world.beside(str(number)) for number in range(len(REPLICAS))]
    share, rest = divmod(KILLS, len(lanes))
    telling = asyncio.create_task(_tell(world))
    try:
        async with asyncio.TaskGroup() as group:
            for number, (lane, replicas) in enumerate(zip(lanes, REPLICAS, strict=True)):
                group.create_task(_live_through(lane, replicas, share + (number < rest)))
    finally:
        telling.cancel()
    assert world.kills == KILLS
