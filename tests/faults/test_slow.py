"""Handlers that take longer than the group allows: two members then run the same events."""

from tests.faults.harness import World, fault
from tests.faults.harness.service import Behaviour
from tests.faults.harness.world import GROUP, SESSION_SECONDS

_POLL_MS = 3_000


async def _slow(world: World, do: Behaviour, seconds: float, group: dict[str, int]) -> None:
    async with world.replicas(2, group=group):
        for _ in range(3):
            await world.write(100, window=20)
            await world.writer.send([world.writer.next(do=do, seconds=seconds)])
            await world.write(200, window=20, pause=0.1)
        await world.quiet()
    assert world.said("offset-commit-failed"), "the group never took the partitions away"


@fault("handler-longer-than-poll-interval")
async def test_handler_longer_than_the_poll_interval(world: World) -> None:
    """A batch takes twice the poll interval: the group gives its events to the other member meanwhile."""
    await _slow(world, "dawdle", 2 * _POLL_MS / 1000, {**GROUP, "max_poll_interval_ms": _POLL_MS})


@fault("loop-blocked-past-session")
async def test_event_loop_blocked_past_the_session(world: World) -> None:
    """No heartbeat for three sessions, in the middle of a transaction."""
    await _slow(world, "block", 3 * SESSION_SECONDS, dict(GROUP))
