"""The relay: nothing missing, nothing out of order per key, whoever else relays and writes."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import UTC, datetime

import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import open_engine
from shared.events.progress import AdverseEventReported
from shared.messaging import outbox
from shared.messaging.relay import Relay

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WRITERS, RELAYS, PATIENTS, EVENTS = 6, 3, 4, 40


@pytest_asyncio.fixture(loop_scope="session")
async def engines(database_url: str, progress_engine: AsyncEngine) -> AsyncGenerator[list[AsyncEngine]]:
    others = [open_engine(database_url, "progress") for _ in range(RELAYS)]
    yield others
    for engine in others:
        await engine.dispose()
    async with progress_engine.begin() as tx:
        await tx.execute(text("TRUNCATE outbox"))


async def write(engine: AsyncEngine, clinic_id: str, writer: int) -> None:
    """One patient's facts are written by one writer, as the door's locks see to."""
    pauses = random.Random(writer)
    for number in range(EVENTS):
        facts = [
            AdverseEventReported(
                clinic_id=clinic_id,
                patient_id=f"{writer}-{patient}",
                adverse_event_id=f"{writer}-{patient}-{number}",
                grade=1,
                term="bruise",
                occurred_at=NOW,
            )
            for patient in range(PATIENTS)
        ]
        async with engine.begin() as tx:
            await outbox.append(tx, [outbox.outgoing(fact, None, "progress", NOW) for fact in facts])
            # A transaction that stays open lets later positions commit before its own.
            await asyncio.sleep(pauses.random() * 0.02)


async def published(bootstrap: str, topic: str, clinic_id: str) -> dict[str, list[str]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, n) for n in sorted(consumer.partitions_for_topic(topic) or ())] or [
            TopicPartition(topic, n) for n in range(4)
        ]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        seen: dict[str, list[str]] = defaultdict(list)
        while any([await consumer.position(part) < end for part, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    key = (record.key or b"").decode()
                    if key.startswith(clinic_id):
                        fact = AdverseEventReported.model_validate_json(record.value or b"")
                        seen[key].append(fact.adverse_event_id)
        return seen
    finally:
        await consumer.stop()


async def test_writers_and_relays_at_once_lose_and_reorder_nothing(
    engines: list[AsyncEngine], progress_engine: AsyncEngine, kafka_bootstrap: str, clinic_id: str
) -> None:
    relays = [asyncio.create_task(Relay(engine, kafka_bootstrap).run()) for engine in engines]
    await asyncio.gather(*(write(progress_engine, clinic_id, writer) for writer in range(WRITERS)))
    async with asyncio.timeout(30):
        while await _waiting(progress_engine):
            await asyncio.sleep(0.05)
    for relay in relays:
        relay.cancel()
        with suppress(asyncio.CancelledError):
            await relay
    seen = await published(kafka_bootstrap, "adverse_event.reported", clinic_id)
    assert len(seen) == WRITERS * PATIENTS
    for key, ids in seen.items():
        name = key.split("/")[1]
        assert ids == [f"{name}-{number}" for number in range(EVENTS)]


async def _waiting(engine: AsyncEngine) -> bool:
    async with engine.connect() as connection:
        return bool(await connection.scalar(text("SELECT EXISTS (SELECT 1 FROM outbox)")))
