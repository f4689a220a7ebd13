"""Telling what is new from what was applied before."""

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import fetch
from shared.messaging.message import Message, Position

_REMEMBER = text("""
    WITH come AS (SELECT * FROM unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS come (source, event_id)),
         new AS (INSERT INTO inbox (source, event_id) SELECT * FROM come ON CONFLICT DO NOTHING
                 RETURNING source, event_id)
    SELECT source, event_id FROM come
    WHERE (SELECT count(*) FROM new) < (SELECT count(*) FROM come)
      AND (source, event_id) NOT IN (SELECT source, event_id FROM new)
""")
_FORGET = text("""
    DELETE FROM inbox
    USING unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS refused (source, event_id)
    WHERE inbox.source = refused.source AND inbox.event_id = refused.event_id
""")
_ADVANCE = text("""
    INSERT INTO applied_offset (topic, partition, next_offset)
    SELECT * FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:offsets AS bigint[]))
    ON CONFLICT (topic, partition)
    DO UPDATE SET next_offset = GREATEST(applied_offset.next_offset, excluded.next_offset)
    RETURNING topic, partition, COALESCE(old.next_offset, 0) AS applied
""")

Identity = tuple[str, str]


async def remember(tx: AsyncConnection, messages: Iterable[Message]) -> set[Identity]:
    """Note the events; returns the (source, id) of those not seen before.

    The usual batch is all new: only what is not comes back from PostgreSQL. Sorted, so that two
    processes with overlapping batches can't deadlock; the one that comes second waits for the first
    to commit and then sees repeats.
    """
    identities = sorted({(message.source, message.event_id) for message in messages})
    if not identities:
        return set()
    sources, ids = zip(*identities, strict=True)
    repeats = await fetch(tx, _REMEMBER, {"sources": list(sources), "ids": list(ids)})
    return set(identities).difference((source, event_id) for source, event_id in repeats)


async def forget(tx: AsyncConnection, messages: Sequence[Message]) -> None:
    """Strike out events that were refused, so that a mended one may come under the same id."""
    if messages:
        await tx.execute(
            _FORGET,
            {"sources": [m.source for m in messages], "ids": [m.event_id for m in messages]},
        )


async def advance(tx: AsyncConnection, positions: Iterable[Position]) -> dict[tuple[str, int], int]:
    """Record that everything up to and including `positions` is applied once `tx` commits.

    Returns, per (topic, partition), the first offset that was not applied before. To be asked first:
    who has the same records in hand (a process that was taken for dead) waits here, then sees them applied.
    """
    latest: dict[tuple[str, int], int] = {}
    for topic, partition, offset in positions:
        if offset >= latest.get((topic, partition), 0):
            latest[topic, partition] = offset + 1
    if not latest:
        return {}
    places = sorted(latest)
    rows = await tx.execute(
        _ADVANCE,
        {
            "topics": [topic for topic, _ in places],
            "partitions": [partition for _, partition in places],
            "offsets": [latest[place] for place in places],
        },
    )
    return {(row.topic, row.partition): row.applied for row in rows}
