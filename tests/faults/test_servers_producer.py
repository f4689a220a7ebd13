"""The relay's producer breaks: health says so within 10 s, a new one takes its place, and all is published."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shared.messaging import relay
from tests.faults.between import door_of, hand_in, kafka_proxy, until_applied, until_status, waiting
from tests.faults.harness import Replica, World, fault

_SAYS_WITHIN_SECONDS = 10


@asynccontextmanager
async def breaking(world: World, plugin: str, count: int) -> AsyncGenerator[tuple[list[Replica], Path]]:
    """Replicas with `plugin`, and the file that breaks them while it is there."""
    file = world.folder / "broken"
    async with world.replicas(count, plugins=[f"tests.faults.plugins:{plugin}"], LEDGER_BROKEN=str(file)) as replicas:
        yield replicas, file


async def unhealthy_then_drained(world: World, plugin: str) -> None:
    """One replica: of several, only those that own buckets can tell."""
    async with breaking(world, plugin, 1) as ((replica,), file):
        stop = asyncio.Event()
        writing = asyncio.create_task(world.write(400, window=20, pause=0.05, until=stop.is_set))
        await until_applied(world, 100)
        file.touch()
        said = await until_status(replica, 503, _SAYS_WITHIN_SECONDS)
        assert said.problems == ["kafka: the relay can't publish"]
        await until_applied(world, 50)
        stop.set()
        await writing
        assert await waiting(world) > 50
        file.unlink()
        await until_status(replica, 200, 45)
        await world.quiet()


@fault("producer-hangs", fast=True)
async def test_a_producer_that_never_answers(world: World) -> None:
    """No error comes: health looks at how long the records in hand have been waiting."""
    await unhealthy_then_drained(world, "producer_hangs")


@fault("producer-always-fatal", fast=True)
async def test_every_producer_dies_of_a_fatal_error(world: World) -> None:
    """aio-libs/aiokafka#1017: every publish fails while the connection is fine."""
    await unhealthy_then_drained(world, "sender_always_dies")


@fault("producer-fatal", fast=True)
async def test_the_producers_background_task_dies_now_and_then(world: World) -> None:
    """A new producer takes over, without a restart."""
    async with breaking(world, "sender_dies", 2):
        await world.write(600, window=20, pause=0.02)
        await world.quiet()
    assert "relay-waits" in logs(world)


@fault("producer-out-of-order", fast=True)
async def test_kafka_says_that_the_producer_is_out_of_order(world: World) -> None:
    """The old producer would be refused for ever in that partition."""
    async with breaking(world, "sequence_lost", 2):
        await world.write(600, window=20, pause=0.02)
        await world.quiet()
    assert "OutOfOrderSequenceNumber" in logs(world)


@fault("producers-given-up", fast=True)
async def test_a_producer_that_was_given_up_leaves_nothing_behind(world: World) -> None:
    """It would publish its records when Kafka is back, long after its successor did."""
    patch = pytest.MonkeyPatch()
    patch.setattr(relay, "_PUBLISH_TIMEOUT_SECONDS", 0.5)
    async with kafka_proxy(world) as proxy, door_of(world) as door:
        publishing = relay.Relay(door.engine, world.links["KAFKA_BOOTSTRAP"])
        running = asyncio.create_task(publishing.run())
        await hand_in(world, door, 20)
        await world.quiet()
        proxy.freeze()
        await hand_in(world, door, 20)
        await asyncio.sleep(6)
        assert publishing.failing_since
        assert not running.done()
        assert senders() <= 1
        patch.undo()
        await proxy.heal()
        await world.quiet()
        await world.until(lambda: senders() == 1, 10)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert senders() == 0


def logs(world: World) -> str:
    return "".join(replica.log.read_text() for replica in world.started)


def senders() -> int:
    """How many producers' background tasks there are in this process, the writer's aside."""
    return sum("_sender_routine" in str(task.get_coro()) for task in asyncio.all_tasks())
