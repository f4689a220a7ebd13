"""Kafka is killed, freezes, loses its answers or can't be reached: all goes on where it stood."""

import asyncio
import signal

from tests.faults.between import applied, door_of, hand_in, kafka_proxy, lose_replies, until_applied, waiting
from tests.faults.harness import World, fault
from tests.faults.proxy import PRODUCE

BACK_WITHIN_SECONDS = 30
_GIVEN_UP_SOON = "tests.faults.plugins:publishes_given_up_soon"


@fault("kafka-killed", fast=True)
async def test_kafka_killed_under_load_is_in_use_again_within_30_s(world: World) -> None:
    """SIGKILL of the broker; its data is in the system's page cache."""
    async with world.replicas(2):
        stop = asyncio.Event()
        writing = asyncio.create_task(world.write(600, window=20, pause=0.02, until=stop.is_set))
        await until_applied(world, 200)
        before = await applied(world)
        async with asyncio.timeout(BACK_WITHIN_SECONDS):
            world.other_kills += 1
            await world.servers.kill("kafka", signal.SIGKILL)
            await world.servers.wait_ready("kafka")
            # More than was in flight when it died, and out on Kafka.
            while await applied(world) < before + 300 or await waiting(world):
                await asyncio.sleep(0.05)
                stop.set()
        await writing


async def freeze(world: World, seconds: float, *plugins: str) -> None:
    """SIGSTOP of the broker for `seconds`; what comes by HTTP is taken in all the while."""
    async with world.replicas(2, plugins=plugins), door_of(world) as door:
        writing = asyncio.create_task(world.write(600, window=20, pause=0.02))
        await until_applied(world, 200)
        await world.servers.kill("kafka", signal.SIGSTOP)
        try:
            until = asyncio.get_running_loop().time() + seconds
            slowest, handed_in = 0.0, 0
            while asyncio.get_running_loop().time() < until:
                slowest = max(slowest, await hand_in(world, door, 10))
                handed_in += 10
                await asyncio.sleep(seconds / 30)
            assert await waiting(world) >= handed_in - 10
        finally:
            await world.servers.kill("kafka", signal.SIGCONT)
        assert slowest < 5
        await writing
        await world.quiet()
        assert await waiting(world) == 0


@fault("kafka-frozen-5s", fast=True)
async def test_kafka_frozen_for_a_moment(world: World) -> None:
    """Publishes fail some times over."""
    await freeze(world, 5, _GIVEN_UP_SOON)


@fault("kafka-frozen-60s", timeout=300)
async def test_kafka_frozen_for_a_minute(world: World) -> None:
    """Longer than a publish may take: producers are given up, and must not publish their records later."""
    await freeze(world, 60)


@fault("kafka-cut", fast=True)
async def test_connections_to_kafka_are_cut_and_refused(world: World) -> None:
    """Resets in the midst of requests, and some seconds without any connection."""
    async with kafka_proxy(world) as proxy, world.replicas(2, plugins=[_GIVEN_UP_SOON]):
        writing = asyncio.create_task(world.write(600, window=20, pause=0.05))
        for _ in range(6):
            await asyncio.sleep(world.random.uniform(0.05, 0.3))
            proxy.cut()
        await proxy.refuse()
        await asyncio.sleep(3)
        await proxy.heal()
        await until_applied(world, 50)
        await writing
        await world.quiet()


@fault("kafka-unreachable")
async def test_packets_to_kafka_vanish(world: World) -> None:
    """Connections stay open and nothing passes, for longer than a session and a publish may take."""
    async with kafka_proxy(world) as proxy, world.replicas(2):
        writing = asyncio.create_task(world.write(600, window=20, pause=0.05))
        await until_applied(world, 100)
        proxy.freeze()
        await asyncio.sleep(35)
        await proxy.heal()
        await writing
        await world.quiet()


@fault("produce-reply-lost", fast=True)
async def test_the_answer_to_a_produce_request_is_lost(world: World) -> None:
    """The records are on the log and the relay does not know."""
    async with kafka_proxy(world) as proxy, world.replicas(2):
        await lose_replies(world, proxy, PRODUCE, times=8)
        assert proxy.dropped > 0


@fault("kafka-replies-lost", fast=True)
async def test_all_answers_of_kafka_are_lost_for_a_while(world: World) -> None:
    """Requests arrive: fetches, heartbeats, offset commits and produce requests. No answer does."""
    async with kafka_proxy(world) as proxy, world.replicas(2):
        writing = asyncio.create_task(world.write(400, window=20, pause=0.05))
        await until_applied(world, 60)
        proxy.drop_replies(after=world.random.randrange(500))
        await asyncio.sleep(3)
        assert proxy.dropped > 0
        await proxy.heal()
        proxy.cut()
        await until_applied(world, 50)
        await writing
        await world.quiet()
