"""Records byte for byte: writing what no client of ours would write, and reading what is there."""

import struct
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.record.util import calc_crc32c

Headers = tuple[tuple[str, bytes | None], ...]
Record = ConsumerRecord[bytes, bytes]

_NAME = "STAND-IN"
_CRC, _BEHIND_CRC = 17, 21


@dataclass(frozen=True, slots=True)
class Raw:
    """A record to be written. `header_name`, where given, is the bytes of one more header's name."""

    value: bytes | None
    headers: Headers = ()
    key: bytes | None = b"ledger/poison"
    header_name: bytes = field(default=b"")


@asynccontextmanager
async def raw_producer(bootstrap: str) -> AsyncGenerator[AIOKafkaProducer]:
    """A producer that may write anything up to 1 MB."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_request_size=1_000_000)
    await producer.start()
    yield producer
    await producer.stop()


async def put(producer: AIOKafkaProducer, topic: str, raw: Raw) -> None:
    """Write one record into partition 0; returns when Kafka has it."""
    batch: Any = producer.create_batch()
    headers = [*raw.headers, *([(_NAME, b"1")] if raw.header_name else [])]
    batch.append(key=raw.key, value=raw.value, timestamp=None, headers=headers)
    if raw.header_name:
        batch._buffer = _renamed(bytes(batch._build()), raw.header_name)
    await (await producer.send_batch(batch, topic, partition=0))


def _renamed(batch: bytes, name: bytes) -> bytes:
    changed = bytearray(batch.replace(_NAME.encode(), name.ljust(len(_NAME), b"!")))
    changed[_CRC:_BEHIND_CRC] = struct.pack(">I", calc_crc32c(bytes(changed[_BEHIND_CRC:])))
    return bytes(changed)


async def records(bootstrap: str, topic: str, partitions: int = 1) -> Sequence[Record]:
    """All records of a topic, partition by partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    found: list[Record] = []
    try:
        places = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for several in (await consumer.getmany(timeout_ms=200)).values():
                found += several
    finally:
        await consumer.stop()
    return found
