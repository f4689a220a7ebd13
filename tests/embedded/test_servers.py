"""The embedded servers are real, keep their addresses and keep their data."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import asyncpg
import httpx
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError
from aiosmtplib import send

from stride.embedded import Addresses, Servers
from stride.embedded.errors import HomeInUse

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own_servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Servers]:
    """Servers that these tests may kill."""
    async with Servers(tmp_path_factory.mktemp("own"), durable=False) as running:
        yield running


async def _create_topic(address: str, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def _produce(address: str, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=address, enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, value)


async def _consume(address: str, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=address)
    async with consumer, asyncio.timeout(20):
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.seek_to_beginning()
        return [(await consumer.getone()).value or b"" for _ in range(count)]


async def _count(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval("SELECT count(*) FROM kept")
    finally:
        await connection.close()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_kafka_comes_back_at_the_same_address_with_its_records(own_servers: Servers, how: signal.Signals) -> None:
    address, topic = own_servers.addresses.kafka_bootstrap, f"kept-{how.name}"
    await _create_topic(address, topic)
    await _produce(address, topic, b"before")

    await own_servers.kill("kafka", how)
    await own_servers.wait_ready("kafka")

    await _produce(address, topic, b"after")
    assert await _consume(address, topic, 2) == [b"before", b"after"]


async def test_kafka_creates_no_topic_by_accident(own_servers: Servers) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=own_servers.addresses.kafka_bootstrap, request_timeout_ms=500)
    async with producer:
        with pytest.raises((UnknownTopicOrPartitionError, TimeoutError)):
            async with asyncio.timeout(2):
                await producer.send_and_wait("never-made", b"lost")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
async def test_postgres_comes_back_at_the_same_address_with_its_rows(own_servers: Servers, how: signal.Signals) -> None:
    url = own_servers.addresses.database_url
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
    await connection.execute("TRUNCATE kept")
    await connection.execute("INSERT INTO kept SELECT generate_series(1, 100)")
    await connection.close()

    await own_servers.kill("postgres", how)
    await own_servers.wait_ready("postgres")

    assert await _count(url) == 100


async def test_postgres_wants_the_password(own_servers: Servers) -> None:
    url = own_servers.addresses.database_url
    password = url.split(":")[2].split("@")[0]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url.replace(password, "guessed"))


async def test_mail_is_found_by_its_message_id_also_after_a_restart(own_servers: Servers) -> None:
    message = (
        "From: clinic@example.org\r\nTo: ann@example.org\r\nSubject: Booked\r\n"
        "Message-ID: <one@example.org>\r\n\r\n<script>alert(1)</script>\r\n"
    )
    addresses = own_servers.addresses
    host, port = addresses.smtp.removeprefix("smtp://").split(":")
    await send(message, sender="bounce@example.org", recipients=["ann@example.org"], hostname=host, port=int(port))

    await own_servers.kill("mailbox")
    await own_servers.wait_ready("mailbox")

    await _look_into(addresses)


async def _look_into(addresses: Addresses) -> None:
    async with httpx.AsyncClient(base_url=addresses.mailbox) as web:
        found = (await web.get("/api/messages", params={"message_id": "<one@example.org>"})).json()
        [message] = found["messages"]
        assert (message["from"], message["to"], message["subject"]) == (
            "bounce@example.org",
            ["ann@example.org"],
            "Booked",
        )
        assert message["received_at"] > 1_700_000_000
        later = {"since": message["received_at"] + 1}
        assert (await web.get("/api/messages", params=later)).json() == {"messages": []}
        raw = await web.get(f"/api/messages/{message['id']}/raw")
        assert b"Message-ID: <one@example.org>" in raw.content
        page = await web.get(f"/messages/{message['id']}")
        assert "&lt;script&gt;" in page.text
        assert "<script" not in page.text
        assert "ann@example.org" in (await web.get("/")).text
        assert (await web.get("/", headers={"Host": "evil.example"})).status_code == 400
        assert (await web.get("/api/messages", params={"since": "nan"})).status_code == 400


async def test_a_second_stack_is_kept_out_of_the_same_home(own_servers: Servers) -> None:
    with pytest.raises(HomeInUse, match=r"process \d+"):
        async with Servers(own_servers.home.path, durable=False):
            pass


async def test_data_and_addresses_outlive_the_stack(tmp_path: Path) -> None:
    async with Servers(tmp_path) as first:
        await _create_topic(first.addresses.kafka_bootstrap, "kept")
        await _produce(first.addresses.kafka_bootstrap, "kept", b"fact")
        connection = await asyncpg.connect(first.addresses.database_url)
        await connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        await connection.close()
    async with Servers(tmp_path) as second:
        assert second.addresses == first.addresses
        assert await _consume(second.addresses.kafka_bootstrap, "kept", 1) == [b"fact"]
        assert await _count(second.addresses.database_url) == 1
