"""One suite for Kafka and for its model: what the runtime relies on in a log, a group and a producer."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import IllegalStateError

from shared.ids import random_id
from shared.messaging.locks import kafka_hash
from tests.simulation.conformance import still_waits
from tests.simulation.kafka.broker import Broker
from tests.simulation.kafka.consumer import Consumer
from tests.simulation.kafka.producer import Producer
from tests.simulation.loop import VirtualLoop
from tests.simulation.network import Network

PARTITIONS = 2
OPTIONS: dict[str, Any] = {"session_timeout_ms": 10_000, "rebalance_timeout_ms": 60_000, "heartbeat_interval_ms": 500}


class Calls(ConsumerRebalanceListener):
    """Remembers what a rebalance took, and may take its time about it."""

    def __init__(self, release: asyncio.Event | None = None) -> None:
        self.release = release
        self.taken: list[set[TopicPartition]] = []

    async def on_partitions_revoked(self, revoked: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        self.taken.append(set(revoked))
        if self.release and revoked:
            await self.release.wait()

    async def on_partitions_assigned(self, assigned: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        pass


class RealKafka:
    """aiokafka's clients of a real server."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.topic = topic
        self._bootstrap = bootstrap

    @asynccontextmanager
    async def producer(self) -> AsyncGenerator[Any]:
        async with AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all", enable_idempotence=True) as producer:
            yield producer

    @asynccontextmanager
    async def member(self, group: str, listener: Any = None) -> AsyncGenerator[Any]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            partition_assignment_strategy=(RangePartitionAssignor,),
            **OPTIONS,
        )
        consumer.subscribe([self.topic], listener=listener)
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()


class SimulatedKafka:
    """The model's clients."""

    topic = "t"

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    @asynccontextmanager
    async def producer(self) -> AsyncGenerator[Any]:
        producer = Producer(self._broker)
        await producer.start()
        yield producer
        await producer.stop()

    @asynccontextmanager
    async def member(self, group: str, listener: Any = None) -> AsyncGenerator[Any]:
        consumer = Consumer(self._broker, [self.topic], {**OPTIONS, "group_id": group, "listener": listener})
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()


Check = Callable[[Any], Awaitable[None]]
CHECKS: list[Check] = []


def check(function: Check) -> Check:
    """One check, for both."""
    CHECKS.append(function)
    return function


@pytest.mark.parametrize("one", CHECKS, ids=lambda one: one.__name__)
async def test_on_kafka(one: Check, kafka_bootstrap: str) -> None:
    topic = f"conformance-{random_id()}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, num_partitions=PARTITIONS, replication_factor=1)])
    try:
        async with asyncio.timeout(60):
            await one(RealKafka(kafka_bootstrap, topic))
    finally:
        await admin.delete_topics([topic])
        await admin.close()


@pytest.mark.parametrize("one", CHECKS, ids=lambda one: one.__name__)
def test_on_the_model(one: Check) -> None:
    loop = VirtualLoop(1)

    async def run() -> None:
        await one(SimulatedKafka(Broker(loop, Network(loop), PARTITIONS)))

    loop.run(run())


async def write(kafka: Any, *labels: str) -> None:
    async with kafka.producer() as producer:
        sent = [
            await producer.send(kafka.topic, value=label.encode(), key=label[:1].encode(), headers=[("x", b"\xff")])
            for label in labels
        ]
        await asyncio.gather(*sent)


async def read(consumer: Any, count: int) -> list[Any]:
    records: list[Any] = []
    while len(records) < count:
        for batch in (await consumer.getmany(timeout_ms=200, max_records=count - len(records))).values():
            records += batch
    return records


async def assigned(consumer: Any, count: int) -> set[TopicPartition]:
    while len(consumer.assignment()) != count:
        await asyncio.sleep(0.05)
    return set(consumer.assignment())


def values(records: list[Any]) -> list[str]:
    return sorted(record.value.decode() for record in records)


@check
async def a_batch_goes_whole_and_in_order(kafka: Any) -> None:
    async with kafka.producer() as producer:
        place = {"topic": kafka.topic, "partition": kafka_hash(b"a") % len(await producer.partitions_for(kafka.topic))}
        sent: list[Any] = []
        for labels in (("a1", "a2", "a3"), ("a4", "a5")):
            batch = producer.create_batch()
            for label in labels:
                assert batch.append(timestamp=None, key=b"a", value=label.encode(), headers=[("x", b"\xff")])
            sent.append(await producer.send_batch(batch, **place))
        await asyncio.gather(*sent)
        await (await producer.send(kafka.topic, value=b"a6", key=b"a"))
    async with kafka.member("g") as consumer:
        records = await read(consumer, 6)
    assert [record.value.decode() for record in records] == ["a1", "a2", "a3", "a4", "a5", "a6"]
    assert {record.partition for record in records} == {place["partition"]}
    assert [tuple(record.headers) for record in records] == [(("x", b"\xff"),)] * 5 + [()]


@check
async def a_full_batch_takes_no_more(kafka: Any) -> None:
    async with kafka.producer() as producer:
        batch, record = producer.create_batch(), {"timestamp": None, "key": b"a", "value": b"1" * 6000, "headers": []}
        assert batch.append(**record)
        taken = [batch.append(**record) is not None for _ in range(5)]
    assert taken[0]
    assert taken == sorted(taken, reverse=True)
    assert not taken[-1]


@check
async def records_of_a_key_come_from_one_partition_in_the_order_sent(kafka: Any) -> None:
    await write(kafka, "a1", "b1", "a2", "c1", "a3", "b2")
    async with kafka.member("g") as consumer:
        records = await read(consumer, 6)
    for key in (b"a", b"b", b"c"):
        mine = [record for record in records if record.key == key]
        assert len({record.partition for record in mine}) == 1
        assert [record.value.decode() for record in mine] == sorted(record.value.decode() for record in mine)
        assert [record.offset for record in mine] == sorted(record.offset for record in mine)
    assert all(tuple(record.headers) == (("x", b"\xff"),) for record in records)
    for partition in range(PARTITIONS):
        offsets = [record.offset for record in records if record.partition == partition]
        assert offsets == list(range(len(offsets)))


@check
async def what_was_not_committed_comes_again_to_the_next_member(kafka: Any) -> None:
    await write(kafka, "a1", "b1", "c1")
    async with kafka.member("g") as consumer:
        await read(consumer, 3)
        await consumer.commit()
    await write(kafka, "a2", "b2")
    async with kafka.member("g") as consumer:
        assert values(await read(consumer, 2)) == ["a2", "b2"]
    async with kafka.member("g") as consumer:
        assert values(await read(consumer, 2)) == ["a2", "b2"]
    async with kafka.member("other") as consumer:
        assert values(await read(consumer, 5)) == ["a1", "a2", "b1", "b2", "c1"]


@check
async def a_commit_covers_what_was_read_and_no_more(kafka: Any) -> None:
    await write(kafka, "a1", "a2", "a3")
    async with kafka.member("g") as consumer:
        assert values(await read(consumer, 1)) == ["a1"]
        await consumer.commit()
    async with kafka.member("g") as consumer:
        assert values(await read(consumer, 2)) == ["a2", "a3"]


@check
async def after_a_seek_the_same_records_come_again(kafka: Any) -> None:
    await write(kafka, "a1", "a2")
    async with kafka.member("g") as consumer:
        (first, second) = await read(consumer, 2)
        place = TopicPartition(first.topic, first.partition)
        assert await consumer.position(place) == 2
        consumer.seek(place, second.offset)
        assert values(await read(consumer, 1)) == ["a2"]
        assert (await consumer.end_offsets([place]))[place] == 2


@check
async def nobody_seeks_what_is_not_theirs(kafka: Any) -> None:
    async with kafka.member("g") as consumer:
        await assigned(consumer, PARTITIONS)
        with pytest.raises(IllegalStateError):
            consumer.seek(TopicPartition("elsewhere", 0), 0)


@check
async def members_share_the_partitions_and_take_over_from_who_leaves(kafka: Any) -> None:
    async with kafka.member("g") as stays:
        await assigned(stays, 2)
        async with kafka.member("g") as leaves:
            both = await asyncio.gather(assigned(stays, 1), assigned(leaves, 1))
            assert both[0].isdisjoint(both[1])
        assert await assigned(stays, 2) == both[0] | both[1]


@check
async def nothing_is_given_away_before_the_listener_is_done(kafka: Any) -> None:
    """And a new member's `start` waits until it has its share."""
    release, done = asyncio.Event(), asyncio.Event()
    calls = Calls(release)

    async def second() -> set[TopicPartition]:
        async with kafka.member("g") as consumer:
            mine = await assigned(consumer, 1)
            await done.wait()
            return mine

    async with kafka.member("g", calls) as first:
        everything = await assigned(first, 2)
        await write(kafka, "a1")
        await read(first, 1)
        joining = asyncio.ensure_future(second())
        try:
            while calls.taken[-1] != everything:
                await asyncio.sleep(0.05)
            assert await still_waits(joining)
            await first.commit()
        finally:
            release.set()
        kept = await assigned(first, 1)
        done.set()
        assert await joining == everything - kept
    async with kafka.member("g") as third:
        await write(kafka, "a2")
        assert values(await read(third, 1)) == ["a2"]
