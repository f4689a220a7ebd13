"""Taking up again what was parked, from the test's own process."""

from shared.clock import SystemClock
from shared.database import open_engine
from shared.flow import FLOW
from shared.messaging.door import Door
from shared.messaging.relay import Relay
from shared.messaging.replay import parked_keys, replay_key
from tests.faults.harness.service import Keep
from tests.faults.harness.store import LedgerStore
from tests.faults.harness.world import World


async def replay_all(world: World) -> int:
    """Replay every parked key with mended handlers; returns how many events were applied.

    Their facts go into the outbox: a living replica publishes them.
    """
    engine = open_engine(world.database_url, world.name)
    keep = Keep(world.kept, mended=True)
    handlers = dict.fromkeys(FLOW[world.name].consumes, keep)
    door = Door(world.name, handlers, LedgerStore(), engine, SystemClock(), Relay(engine, world.bootstrap))
    try:
        return sum([(await replay_key(door, parked.key)).applied for parked in await parked_keys(engine)])
    finally:
        await engine.dispose()
