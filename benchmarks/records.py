"""Facts as Kafka records, and a loader that fills topics much faster than any service reads them."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.structs import TopicPartition

from shared.events.base import Fact
from shared.messaging import wire

_PUBLISHED_AT = datetime(2026, 1, 1, tzinfo=UTC)


class Record(NamedTuple):
    """One Kafka record, ready to be sent."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def as_record(fact: Fact, source: str) -> Record:
    """`fact` as the service `source` would publish it."""
    headers = wire.encode_headers(
        fact, source=source, time=_PUBLISHED_AT, correlation_id=fact.event_id, causation_id=fact.event_id
    )
    packed = [(name, value.encode()) for name, value in headers.items()]
    return Record(fact.NAME, fact.key.encode(), fact.document, packed)


Ends = dict[TopicPartition, int]
"""Per partition, the offset after its last record."""


async def produce(bootstrap: str, records: Sequence[Record]) -> Ends:
    """Put `records` into their topics, in order per key; returns the ends of the partitions they went to."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks=1, linger_ms=5, max_batch_size=262_144)
    await producer.start()
    try:
        sent = [
            await producer.send(record.topic, value=record.value, key=record.key, headers=record.headers)
            for record in records
        ]
        confirmed = await asyncio.gather(*sent)
    finally:
        await producer.stop()
    ends: Ends = defaultdict(int)
    for metadata in confirmed:
        ends[metadata.topic_partition] = max(ends[metadata.topic_partition], metadata.offset + 1)
    return dict(ends)


def mean_bytes(records: Iterable[Record]) -> float:
    """The mean size of a record's value."""
    sizes = [len(record.value) for record in records]
    return sum(sizes) / len(sizes)
