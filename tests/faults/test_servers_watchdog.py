"""A consumer that reads no more though records wait: its process ends and another goes on."""

import asyncio

from tests.faults.between import applied
from tests.faults.harness import World, fault

_STUCK = 1
"""Exit code of a process whose part has failed."""


@fault("consumer-stuck", fast=True)
async def test_a_stuck_consumer_ends_its_process(world: World) -> None:
    """As after a rejoin (aio-libs/aiokafka#625, #847): a member of its group, beating, and nothing comes."""
    file = world.folder / "broken"
    plugin = "tests.faults.plugins:fetcher_stuck"
    async with world.replicas(1, plugins=[plugin], LEDGER_BROKEN=str(file)) as replicas:
        await world.write(100)
        async with asyncio.timeout(30):
            while await applied(world) < 100:
                await asyncio.sleep(0.05)
        first = replicas[0]
        file.touch()
        await world.write(100)
        assert await first.ended(20) == _STUCK
        assert "Stuck" in first.log.read_text()
        file.unlink()
        await world.quiet()


@fault("consumer-idle", fast=True)
async def test_a_consumer_without_anything_to_read_is_not_stuck(world: World) -> None:
    """Records that come after a long pause find it alive."""
    plugin = "tests.faults.plugins:fetcher_stuck"
    async with world.replicas(1, plugins=[plugin], LEDGER_BROKEN=str(world.folder / "never")) as replicas:
        first = replicas[0]
        for _ in range(3):
            await asyncio.sleep(3.5)
            await world.write(200, window=20, pause=0.02)
        await world.quiet()
        assert first.alive
