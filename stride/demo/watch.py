"""Reading the topics as any outsider could: everything from the start, in no consumer group."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from shared.events.base import Fact
from shared.flow import FLOW, INBOUND_TOPICS, consumed_topics, dead_letter_topic, fact_topics
from shared.messaging import wire
from shared.messaging.message import Position, RawRecord

Ends = dict[TopicPartition, int]
"""Per partition, the offset that the next record will get."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A fact on its topic. `time` is the clinic's time, `written_at` the machine's (epoch seconds)."""

    fact: Fact
    event_id: str
    correlation_id: str
    causation_id: str
    source: str
    time: datetime
    written_at: float
    position: Position


def read(consumed: ConsumerRecord[bytes, bytes]) -> Seen:
    """The fact in a record of a fact topic.

    Raises:
        Unreadable: it is none, which on a fact topic nobody should ever have written.
    """
    position = Position(consumed.topic, consumed.partition, consumed.offset)
    record = RawRecord(position, consumed.key, consumed.value, tuple(consumed.headers))
    message, headers = wire.decode(record), wire.read_headers(record)
    return Seen(
        fact=message.fact,
        event_id=message.event_id,
        correlation_id=message.correlation_id,
        causation_id=headers.get("ce_causationid", ""),
        source=message.source,
        time=datetime.fromisoformat(headers["ce_time"]),
        written_at=consumed.timestamp / 1000,
        position=position,
    )


def all_topics() -> list[str]:
    """Every topic of the stack but dead letters, which nobody has to apply."""
    return [*fact_topics(), *sorted(INBOUND_TOPICS)]


def dead_letter_topics() -> list[str]:
    """Where unreadable and refused records go."""
    return [dead_letter_topic(service, topic) for service in FLOW for topic in consumed_topics(service)]


class Topics:
    """A consumer of `topics` from their start."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._next: Ends = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, bootstrap: str, topics: Sequence[str]) -> AsyncGenerator["Topics"]:
        """Connected; nothing is read yet."""
        consumer = AIOKafkaConsumer(
            *topics,
            bootstrap_servers=bootstrap,
            group_id=None,
            auto_offset_reset="earliest",
            request_timeout_ms=10_000,
            fetch_max_wait_ms=50,
        )
        await consumer.start()
        try:
            yield cls(consumer)
        finally:
            await consumer.stop()

    async def ends(self) -> Ends:
        """The end offset of each partition, asked of the broker now."""
        return await self._consumer.end_offsets(self._consumer.assignment())

    async def read_to(self, ends: Ends) -> list[ConsumerRecord[bytes, bytes]]:
        """The records not read yet, up to `ends` at least; oldest first by the time of writing."""
        records: list[ConsumerRecord[bytes, bytes]] = []
        while any(self._next.get(partition, 0) < end for partition, end in ends.items()):
            batches = await self._consumer.getmany(timeout_ms=200)
            for partition, batch in batches.items():
                records.extend(batch)
                self._next[partition] = batch[-1].offset + 1
        return sorted(records, key=lambda record: (record.timestamp, record.topic, record.partition, record.offset))


async def read_all(bootstrap: str, topics: Sequence[str], *, within: float = 60) -> list[ConsumerRecord[bytes, bytes]]:
    """Everything on `topics` from the start, by a reader of its own."""
    async with asyncio.timeout(within), Topics.open(bootstrap, topics) as reader:
        return await reader.read_to(await reader.ends())
