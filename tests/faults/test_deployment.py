"""A rolling deployment: old and new releases of the service in one group, old and new senders before it."""

import signal

from tests.faults.harness import Replica, World, fault
from tests.faults.harness.replay import replay_all


async def _replace(old: Replica, new: Replica) -> None:
    await new.ready()
    old.signal(signal.SIGTERM)
    assert await old.ended() == 0


@fault("rolling-deployment")
async def test_rolling_deployment(world: World) -> None:
    """New optional fields are ignored by the old release; a new version waits, parked, for the update."""
    old = [await world.start() for _ in range(2)]
    for replica in old:
        await replica.ready()
    await world.write(200)
    first = await world.start(LEDGER_RELEASE="2")
    await _replace(old[0], first)
    world.writer.sent = world.facts.sent_2
    await world.write(200)
    await world.quiet()
    assert (await world.counts()).parked, "the old release never met the new version"
    await _replace(old[1], await world.start(LEDGER_RELEASE="2"))
    await world.write(100)
    await replay_all(world)
    await world.write(100)
    await world.quiet()
