"""Looking into the dead-letter topics, and putting records back where they came from."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from shared.flow import FLOW, consumed_topics, dead_letter_topic

_OURS = "dlq-"


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: where it lies, where it came from, why nobody could read it."""

    service: str
    topic: str
    """The topic it came from."""
    offset: int
    """Its offset in the dead-letter topic, which has one partition."""
    code: str
    reason: str
    event_type: str
    event_id: str
    size: int
    timestamp_ms: int
    record: ConsumerRecord[bytes, bytes]


async def dead_letters(bootstrap: str, services: Sequence[str] = ()) -> list[Letter]:
    """All dead letters of `services` (all when none is named), oldest first per topic."""
    found: list[Letter] = []
    async with _reading(bootstrap) as consumer:
        for service in services or sorted(FLOW):
            for topic in consumed_topics(service):
                records = await _all_of(consumer, TopicPartition(dead_letter_topic(service, topic), 0))
                found += [_letter(service, topic, record) for record in records]
    return found


@asynccontextmanager
async def _reading(bootstrap: str) -> AsyncGenerator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def _all_of(consumer: AIOKafkaConsumer, partition: TopicPartition) -> list[ConsumerRecord[bytes, bytes]]:
    end = (await consumer.end_offsets([partition]))[partition]
    start = (await consumer.beginning_offsets([partition]))[partition]
    if start == end:
        return []
    consumer.assign([partition])
    consumer.seek(partition, start)
    records: list[ConsumerRecord[bytes, bytes]] = []
    while await consumer.position(partition) < end:
        for batch in (await consumer.getmany(partition, timeout_ms=500)).values():
            records += batch
    return records


def _letter(service: str, topic: str, record: ConsumerRecord[bytes, bytes]) -> Letter:
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}
    return Letter(
        service=service,
        topic=topic,
        offset=record.offset,
        code=headers.get("dlq-code", ""),
        reason=headers.get("dlq-reason", ""),
        event_type=headers.get("ce_type", ""),
        event_id=headers.get("ce_id", ""),
        size=len(record.value or b""),
        timestamp_ms=record.timestamp,
        record=record,
    )


async def put_back(bootstrap: str, letters: Sequence[Letter]) -> int:
    """Publish the original bytes, key and headers to the original topics, in order; returns how many.

    Doing it twice has one effect: the event id is the same, and the inbox knows it. A record that
    still can't be read becomes a dead letter again.
    """
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        for letter in letters:
            headers = [(name, value) for name, value in letter.record.headers if not name.startswith(_OURS)]
            await producer.send_and_wait(
                letter.topic, value=letter.record.value, key=letter.record.key, headers=headers
            )
        return len(letters)
    finally:
        await producer.stop()
