"""What a ledger service needs to be there: schema, role, tables, topics; and reading them when all is quiet."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from shared.database import driver_url, role_of
from shared.flow import FLOW, dead_letter_topic
from shared.messaging.topics import DEAD_LETTERS
from shared.schemas import migrations_of
from tests.faults.harness.judge import Observed
from tests.faults.harness.service import Kept, Sent
from tests.faults.harness.store import TABLES

PARTITIONS = 4


async def create(name: str, bootstrap: str, database_url: str) -> None:
    """Make schema, role, tables and topics of the ledger service `name`."""
    engine = create_async_engine(driver_url(database_url))
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f"CREATE ROLE {role_of(name)} NOLOGIN"))
            await connection.execute(text(f"GRANT {role_of(name)} TO CURRENT_USER"))
            await connection.execute(text(f"CREATE SCHEMA {name} AUTHORIZATION {role_of(name)}"))
            await connection.commit()
            await connection.run_sync(_tables, name)
    finally:
        await engine.dispose()
    await _topics(name, bootstrap)


def _tables(connection: Connection, name: str) -> None:
    """The runtime's own tables come with the migrations of any service: progress lends its own."""
    connection.execute(text(f"SET ROLE {role_of(name)}"))
    connection.execute(text(f"SET search_path TO {name}"))
    connection.commit()
    config = Config()
    config.set_main_option("script_location", str(migrations_of("progress")))
    config.attributes["connection"] = connection
    config.attributes["schema"] = name
    command.upgrade(config, "head")
    for statement in TABLES:
        connection.execute(text(statement))
    connection.commit()


async def _topics(name: str, bootstrap: str) -> None:
    sent, kept = FLOW[name].consumes[0], FLOW[name].publishes[0]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        facts = [NewTopic(fact.NAME, PARTITIONS, 1) for fact in (sent, kept)]
        dead = NewTopic(dead_letter_topic(name, sent.NAME), 1, 1, topic_configs=dict(DEAD_LETTERS))
        await admin.create_topics([*facts, dead])
    finally:
        await admin.close()


async def remove(name: str, database_url: str) -> None:
    """Drop schema and role; the topics stay until their Kafka goes."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(f"DROP SCHEMA {name} CASCADE; DROP ROLE {role_of(name)}")
    finally:
        await connection.close()


class Counts(NamedTuple):
    """How many (key, number) were applied, how many records wait in the outbox, how many events are parked."""

    applied: int
    waiting: int
    parked: int


async def counts(name: str, database_url: str) -> Counts:
    """What stands in the tables of `name` now."""
    connection = await asyncpg.connect(database_url, timeout=5, command_timeout=10)
    try:
        row = await connection.fetchrow(
            f"SELECT (SELECT count(*) FROM (SELECT DISTINCT key, number FROM {name}.effect) e),"
            f" (SELECT count(*) FROM {name}.outbox), (SELECT count(*) FROM {name}.parked)"
        )
        assert row is not None
        return Counts(*row)
    finally:
        await connection.close()


async def observe(name: str, bootstrap: str, database_url: str) -> Observed:
    """All effects, all that was published, all that is parked."""
    effects: dict[str, list[int]] = defaultdict(list)
    parked: dict[str, list[int]] = defaultdict(list)
    connection = await asyncpg.connect(database_url)
    try:
        stale = await connection.fetchval(f"SELECT count(*) - count(DISTINCT (key, nth)) FROM {name}.effect")
        for row in await connection.fetch(f"SELECT key, number FROM {name}.effect ORDER BY position"):
            effects[row["key"]].append(row["number"])
        for row in await connection.fetch(f"SELECT key, value FROM {name}.parked ORDER BY position"):
            parked[row["key"]].append(Sent.model_validate_json(row["value"]).number)
    finally:
        await connection.close()
    return Observed(effects, await _published(name, bootstrap), parked, stale)


async def _published(name: str, bootstrap: str) -> dict[str, list[tuple[str, int]]]:
    (kept,) = FLOW[name].publishes
    seen: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for record in await read_all(bootstrap, kept.NAME):
        fact = Kept.model_validate_json(record[1] or b"")
        seen[(record[0] or b"").decode()].append((record[2]["ce_id"], fact.number))
    return seen


def _text(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    return {name: (value or b"").decode(errors="replace") for name, value in headers}


async def read_all(
    bootstrap: str, topic: str, partitions_of: int = PARTITIONS
) -> Sequence[tuple[bytes | None, bytes | None, dict[str, str]]]:
    """(key, value, headers) of every record of `topic`, partition by partition in order of the log."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", max_poll_records=5000)
    await consumer.start()
    found: list[tuple[bytes | None, bytes | None, dict[str, str]]] = []
    try:
        partitions = [TopicPartition(topic, number) for number in range(partitions_of)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(part) < end for part, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [(record.key, record.value, _text(record.headers)) for record in records]
    finally:
        await consumer.stop()
    return found
