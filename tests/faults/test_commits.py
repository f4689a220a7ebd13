"""SIGKILL exactly before, inside and after the commits of a service: the door's, the relay's and the offsets'."""

from tests.faults.harness import World, fault

_TIMES = 3


async def kill_at(world: World, point: str) -> None:
    """Three processes in a row die at `point`, each one passage later than the one before, under load."""
    crashes = [f"{point}:{passage + 1}" for passage in range(_TIMES)]
    async with world.replicas(1, crashes):
        await world.write(400, window=20, pause=0.05, until=lambda: world.kills >= _TIMES)
        await world.quiet()
    assert world.kills == _TIMES, "it was not killed where it should have been"


@fault("kill-while-deciding")
async def test_killed_while_deciding(world: World) -> None:
    """In the handler: the inbox rows are written, the effects are not."""
    await kill_at(world, "deciding")


@fault("kill-before-commit")
async def test_killed_before_its_commit(world: World) -> None:
    """All is written, COMMIT is not sent."""
    await kill_at(world, "before-commit")


@fault("kill-inside-commit")
async def test_killed_inside_its_commit(world: World) -> None:
    """COMMIT is sent, and nobody is there to read the answer."""
    await kill_at(world, "inside-commit")


@fault("kill-between-commit-and-offset", fast=True)
async def test_killed_between_commit_and_offset(world: World) -> None:
    """PostgreSQL has committed, Kafka is about to be told: the batch comes again."""
    await kill_at(world, "before-offset")


@fault("kill-inside-offset-commit")
async def test_killed_inside_the_offset_commit(world: World) -> None:
    """The offset commit is sent, its answer is not read."""
    await kill_at(world, "inside-offset")


@fault("kill-after-offset-commit")
async def test_killed_after_the_offset_commit(world: World) -> None:
    """The batch is done with; what it published is still in the outbox."""
    await kill_at(world, "after-offset")


@fault("kill-relay-while-sending")
async def test_relay_killed_while_sending(world: World) -> None:
    """Part of a batch is with the producer."""
    await kill_at(world, "relay-send")


@fault("kill-relay-after-ack", fast=True)
async def test_relay_killed_after_kafkas_ack(world: World) -> None:
    """Kafka has acknowledged, the outbox row is not marked: it is sent again under the same id."""
    await kill_at(world, "relay-acked")


@fault("kill-relay-before-marking")
async def test_relay_killed_before_marking_is_committed(world: World) -> None:
    """The rows of a whole batch are acknowledged and marked, COMMIT is not sent."""
    await kill_at(world, "relay-before-mark")


@fault("kill-relay-inside-marking")
async def test_relay_killed_inside_the_marking_commit(world: World) -> None:
    """COMMIT of the marking is sent, its answer is not read."""
    await kill_at(world, "relay-inside-mark")
