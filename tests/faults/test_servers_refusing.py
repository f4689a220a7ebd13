"""Kafka does not take some records: they wait in the outbox, health and log say why, the others go past them."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest

from shared.flow import dead_letter_topic
from tests.faults.between import health, query
from tests.faults.harness import Replica, World, fault
from tests.faults.harness.places import PARTITIONS
from tests.faults.raw import Raw, put, raw_producer, records

_PROBE = 99
_TOPIC, _LITERAL = 2, 3
_ALL, _WRITE = 2, 4
_DENY, _ALLOW = 2, 3
"""Kafka's numbers for a resource, its pattern, operations and permissions."""
_SOON = "tests.faults.plugins:refusals_soon_tried_again"


@asynccontextmanager
async def administering(world: World) -> AsyncGenerator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=world.bootstrap)
    await admin.start()
    yield admin
    await admin.close()


async def configure(admin: AIOKafkaAdminClient, topic: str, settings: Mapping[str, str]) -> None:
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, dict(settings))])


async def outbox(world: World) -> Mapping[str, int]:
    """How many records wait, per topic."""
    rows = await query(world, "SELECT aggregatetype, count(*) AS records FROM outbox GROUP BY 1")
    return {row["aggregatetype"]: row["records"] for row in rows}


def poison(number: int, size: int = 10) -> Raw:
    return Raw(b"?" * size, key=f"ledger/poison-{number}".encode())


async def until_outbox(world: World, wanted: Mapping[str, int]) -> None:
    """Return when just these records wait."""
    deadline = asyncio.get_running_loop().time() + 20
    while (now := await outbox(world)) != wanted and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.1)
    assert now == wanted


async def acl(
    admin: AIOKafkaAdminClient,
    request: type[CreateAclsRequest | DeleteAclsRequest],
    topic: str,
    operation: int,
    kind: int,
) -> None:
    """Make or take away an ACL for everybody on one topic; aiokafka's admin client has no call for it."""
    inside: Any = admin
    await inside._send_to_controller(request(_TOPIC, topic, _LITERAL, "User:ANONYMOUS", "*", operation, kind))


async def until_refused(bootstrap: str, topic: str, probe: Raw) -> None:
    """Return when Kafka goes by a new setting; until then it takes the probe."""
    async with asyncio.timeout(20), raw_producer(bootstrap) as producer:
        with suppress(MessageSizeTooLargeError):
            while True:
                await put(producer, topic, probe)


async def until_warned(replicas: Sequence[Replica], *words: str) -> None:
    """Return when one, ready, warns in such words: whichever it is that holds the bucket."""
    async with asyncio.timeout(20):
        while not any(all(word in said for word in words) for said in await warnings(replicas)):
            await asyncio.sleep(0.1)


async def until_no_warning(replicas: Sequence[Replica]) -> None:
    """Return when none warns any more."""
    async with asyncio.timeout(20):
        while any(await warnings(replicas)):
            await asyncio.sleep(0.1)


async def warnings(replicas: Sequence[Replica]) -> list[str]:
    said = await asyncio.gather(*(health(replica) for replica in replicas))
    assert [one.status for one in said] == [200] * len(replicas), "what Kafka refuses makes nobody unready"
    return [" ".join(one.warnings) for one in said]


@fault("dead-letter-topic-missing", fast=True)
async def test_the_dead_letter_topic_is_missing(world: World) -> None:
    """Dead letters are kept until it is there; facts go on, and the service is ready."""
    topic = dead_letter_topic(world.name, world.sent.NAME)
    async with administering(world) as admin, raw_producer(world.bootstrap) as producer:
        await admin.delete_topics([topic])
        async with world.replicas(2) as replicas:
            for number in range(10):
                await put(producer, world.sent.NAME, poison(number))
                await world.write(20, window=20)
            await until_outbox(world, {topic: 10})
            await until_warned(replicas, topic, "shared.provision")
            await admin.create_topics([NewTopic(topic, 1, 1)])
            await world.quiet()
            await until_no_warning(replicas)
        logs = "".join(replica.log.read_text() for replica in world.started)
        assert logs.count("kafka-refuses") <= 2
    assert len(await records(world.bootstrap, topic)) == 10


@fault("fact-topic-missing", fast=True)
async def test_the_topic_of_a_fact_is_missing(world: World) -> None:
    """Work goes on, its facts wait and dead letters pass them."""
    topic = dead_letter_topic(world.name, world.sent.NAME)
    async with administering(world) as admin, raw_producer(world.bootstrap) as producer:
        await admin.delete_topics([world.kept.NAME])
        async with world.replicas(2) as replicas:
            await world.write(1200)
            await put(producer, world.sent.NAME, poison(0))
            await until_outbox(world, {world.kept.NAME: 1200})
            await until_warned(replicas, world.kept.NAME, "shared.provision")
            await admin.create_topics([NewTopic(world.kept.NAME, PARTITIONS, 1)])
            await world.quiet()
    assert len(await records(world.bootstrap, topic)) == 1


@fault("write-denied", fast=True)
async def test_an_acl_denies_writing_to_a_topic(world: World) -> None:
    """Facts are kept, and why they wait can be read."""
    async with administering(world) as admin:
        await acl(admin, CreateAclsRequest, world.kept.NAME, _ALL, _ALLOW)
        await acl(admin, CreateAclsRequest, world.kept.NAME, _WRITE, _DENY)
        async with world.replicas(2, plugins=[_SOON]) as replicas:
            await world.write(100)
            await until_outbox(world, {world.kept.NAME: 100})
            await until_warned(replicas, world.kept.NAME, "allow this service's Kafka login to write")
            await acl(admin, DeleteAclsRequest, world.kept.NAME, _WRITE, _DENY)
            await world.quiet()


@fault("record-refused", fast=True)
async def test_kafka_refuses_a_record_as_too_large(world: World) -> None:
    """It waits with what stands behind it in its bucket and topic; all else goes on; it goes when it may."""
    topic = dead_letter_topic(world.name, world.sent.NAME)
    async with administering(world) as admin, raw_producer(world.bootstrap) as producer:
        await configure(admin, topic, {"max.message.bytes": "3000"})
        await until_refused(world.bootstrap, topic, poison(_PROBE, 5000))
        async with world.replicas(2, plugins=[_SOON]) as replicas:
            for number in range(8):
                await put(producer, world.sent.NAME, poison(number, 5000 if number in {2, 5} else 10))
                await world.write(20, window=20)
            await put(producer, world.sent.NAME, poison(2))
            await until_outbox(world, {topic: 3})
            await until_warned(replicas, topic, "max.message.bytes")
            await world.write(200)
            await until_outbox(world, {topic: 3})
            await configure(admin, topic, {"max.message.bytes": "10000"})
            await world.quiet()
    letters, probe = await records(world.bootstrap, topic), poison(_PROBE, 5000)
    assert len({(letter.key, letter.value) for letter in letters} - {(probe.key, probe.value)}) == 9
    of_two = [len(letter.value or b"") for letter in letters if letter.key == b"ledger/poison-2"]
    assert of_two == [5000, 10]
