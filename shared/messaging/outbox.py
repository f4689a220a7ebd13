"""What leaves a service, written in the transaction that decided it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zlib import crc32

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import copy_rows
from shared.events.base import Fact
from shared.messaging import wire
from shared.messaging.message import Message

BUCKETS = 64
"""Order is kept within a bucket; a relay owns a bucket while it publishes from it."""

_COLUMNS = ("bucket", "id", "aggregatetype", "aggregateid", "type", "headers", "payload")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to be published."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: bytes
    event_id: str
    wire_type: str


def outgoing(fact: Fact, cause: Message | None, service: str, now: datetime) -> Outgoing:
    """`fact` as a record; correlation and causation come from the message that led to it."""
    headers = wire.encode_headers(
        fact,
        source=service,
        time=now,
        correlation_id=(cause.correlation_id or cause.event_id) if cause else fact.event_id,
        causation_id=cause.event_id if cause else "",
    )
    return Outgoing(
        topic=fact.NAME,
        key=fact.key.encode(),
        value=fact.document,
        headers=wire.pack_headers(headers),
        event_id=fact.event_id,
        wire_type=fact.wire_type(),
    )


async def append(tx: AsyncConnection, records: Iterable[Outgoing]) -> None:
    """Put records into the outbox, in order."""
    rows = [
        (crc32(row.key or b"") % BUCKETS, row.event_id, row.topic, row.key, row.wire_type, row.headers, row.value)
        for row in records
    ]
    if rows:
        await copy_rows(tx, "outbox", _COLUMNS, rows)
