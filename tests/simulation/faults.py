"""What may happen to a run, by name."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.simulation.members import SERVICE
from tests.simulation.scenario import Action
from tests.simulation.world import World, start_member, start_replay

_LOSS = 0.15


async def act(world: World, action: Action) -> None:
    """Do it at its time, and undo it after its time."""
    await asyncio.sleep(action.at)
    world.loop.note(f"{action.name.upper()} for {action.seconds} s")
    await _FAULTS[action.name](world, action.seconds)


async def _join(world: World, _: float) -> None:
    start_member(world)


async def _leave(world: World, _: float) -> None:
    """SIGTERM; the supervisor starts another, as in a rolling deployment."""
    if world.members:
        world.loop.random.choice(world.members).ask_to_stop()


async def _kill(world: World, _: float) -> None:
    if world.members:
        world.loop.kill(world.loop.random.choice(world.members).process)


async def _pause(world: World, seconds: float) -> None:
    """SIGSTOP and SIGCONT; its partitions move meanwhile if it is long."""
    if world.members:
        process = world.loop.random.choice(world.members).process
        world.loop.stop_process(process)
        await asyncio.sleep(seconds)
        world.loop.resume_process(process)


async def _postgres(world: World, seconds: float) -> None:
    world.server.crash()
    await asyncio.sleep(min(seconds, 5))
    world.server.restart()


async def _cut(world: World, _: float) -> None:
    """As pg_terminate_backend."""
    if world.server.open:
        world.loop.random.choice(world.server.open).cut()


async def _kafka(world: World, seconds: float) -> None:
    world.broker.freeze()
    await asyncio.sleep(seconds)
    world.broker.thaw()


async def _refuse(world: World, seconds: float) -> None:
    """Kafka does not take some of the records, for instance while its ACLs are changed."""
    world.broker.refusing = 0.3
    await asyncio.sleep(min(seconds, 5))
    world.broker.refusing = 0.0


async def _lossy(world: World, seconds: float) -> None:
    """Requests and answers get lost, of PostgreSQL's commits and Kafka's acknowledgements too."""
    world.network.loss = _LOSS
    await asyncio.sleep(min(seconds, 5))
    world.network.loss = 0.0


async def _wipe(world: World, _: float) -> None:
    world.broker.group(SERVICE).wipe()


async def _replay(world: World, seconds: float) -> None:
    start_replay(world)
    if seconds > 1:
        start_replay(world)


_FAULTS: dict[str, Callable[[World, float], Awaitable[None]]] = {
    "join": _join, "leave": _leave, "kill": _kill, "pause": _pause, "postgres": _postgres, "cut": _cut,
    "kafka": _kafka, "refuse": _refuse, "lossy": _lossy, "wipe": _wipe, "replay": _replay,
}  # fmt: skip
