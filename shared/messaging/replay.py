"""Taking up again what was parked: in order, each event once, also while new ones come in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import sqlstate
from shared.messaging import wire
from shared.messaging.door import Door
from shared.messaging.errors import Refused, Unavailable, Unreadable
from shared.messaging.message import Message, Position, RawRecord
from shared.messaging.transactions import begin

_KEYS = text("""
    SELECT key, count(*) AS events, min(parked_at) AS since,
           (array_agg(reason ORDER BY position))[1] AS reason,
           (array_agg(topic ORDER BY position))[1] AS topic
    FROM parked GROUP BY key ORDER BY since, key
""")
_NEXT = text("""
    SELECT position, topic, partition, record_offset, record_key, headers, value
    FROM parked WHERE key = :key ORDER BY position OFFSET :skip LIMIT 1
""")
_DONE = text("DELETE FROM parked WHERE position = :position")

Decoder = Callable[[RawRecord], Message]


@dataclass(frozen=True, slots=True)
class ParkedKey:
    """A key whose events wait: how many, since when, and why the first of them failed."""

    key: str
    events: int
    since: datetime
    topic: str
    reason: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one key: how many events were applied, and why it stopped, if it did."""

    key: str
    applied: int
    reason: str = ""


async def parked_keys(engine: AsyncEngine) -> list[ParkedKey]:
    """The keys with parked events, longest waiting first."""
    async with begin(engine) as tx:
        rows = await tx.execute(_KEYS)
        return [ParkedKey(row.key, row.events, row.since, row.topic, row.reason) for row in rows]


async def replay_key(door: Door, key: str, decode: Decoder = wire.decode, *, dry_run: bool = False) -> Replayed:
    """Apply the parked events of `key` in order; stops at the first that fails again.

    The inbox knows them already, so they pass it by. Each is deleted in the transaction that
    applies it: a second replay finds nothing to do. While rows remain, later events of the key
    keep parking behind them, so order holds during traffic. A dry run decides and takes it back.
    """
    applied = 0
    while True:
        try:
            if not await _replay_next(door, key, decode, dry_run=dry_run, skip=applied if dry_run else 0):
                return Replayed(key, applied)
        except (Refused, Unreadable) as error:
            return Replayed(key, applied, error.reason)
        except DBAPIError as error:
            return Replayed(key, applied, f"database error {sqlstate(error)}")
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001  # the handler still fails: the key stays parked
            return Replayed(key, applied, f"{type(error).__name__} in the handler")
        applied += 1


async def _replay_next(door: Door, key: str, decode: Decoder, *, dry_run: bool, skip: int) -> bool:
    """Apply the first parked event of `key` in a transaction of its own; tells whether there was one."""
    async with door.work() as work:
        first = (await work.tx.execute(_NEXT, {"key": key, "skip": skip})).one_or_none()
        if first is None:
            return False
        message = decode(_record(first))
        await door.lock(work.tx, [message])
        # Somebody else may have replayed it while we waited for the lock.
        if (await work.tx.execute(_DONE, {"position": first.position})).rowcount:
            await door.apply(work, message)
        if dry_run:
            work.leaving.clear()
            await work.tx.rollback()
    return True


def _record(row: Row[Any]) -> RawRecord:
    position = Position(row.topic, row.partition, row.record_offset)
    headers = tuple(wire.unpack_headers(row.headers))
    return RawRecord(position, row.record_key, row.value, headers)
