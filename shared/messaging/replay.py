"""Taking up again what was parked: in order, each event once, also while new ones come in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import CONFLICT_STATES, sqlstate
from shared.messaging import wire
from shared.messaging.allowance import Allowance
from shared.messaging.door import Door, Work
from shared.messaging.errors import Refused, Swapped, Unavailable, Unreadable
from shared.messaging.message import Message, Position, RawRecord
from shared.messaging.transactions import begin

_BATCH = 50
_CONFLICT_ATTEMPTS = 5
_KEYS = text("""
    SELECT DISTINCT ON (key) key, topic, reason, event_id, headers, parked_at,
           count(*) OVER (PARTITION BY key) AS events,
           CAST(sum(octet_length(value)) OVER (PARTITION BY key) AS bigint) AS size
    FROM parked ORDER BY key, position
""")
_EVENTS = text("""
    SELECT position, topic, partition, record_offset, event_id, record_key, headers, value, reason, parked_at
    FROM parked WHERE key = :key ORDER BY position LIMIT :most
""")
_DONE = text("DELETE FROM parked WHERE position = :position")
_FAILED_AGAIN = text("UPDATE parked SET reason = :reason WHERE position = :position")

Decoder = Callable[[RawRecord], Message]


@dataclass(frozen=True, slots=True)
class ParkedKey:
    """A key whose events wait: how many, since when, and why the first of them failed.

    `topic`, `event_id` and `headers` are the first event's too; `size` is the bytes of all values.
    """

    key: str
    events: int
    since: datetime
    topic: str
    reason: str
    event_id: str
    headers: tuple[tuple[str, bytes | None], ...]
    size: int


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """One event that waits, with its record as it came."""

    position: int
    event_id: str
    reason: str
    parked_at: datetime
    record: RawRecord


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one key: how many events were applied, and why it stopped, if it did."""

    key: str
    applied: int
    reason: str = ""
    stopped: bool = False
    """Whether the allowance was spent while events were still waiting."""


class _TakenBack(Exception):
    """Ends a dry run's transaction without a commit."""

    def __init__(self, *, stopped: bool) -> None:
        super().__init__()
        self.stopped = stopped


async def parked_keys(engine: AsyncEngine) -> list[ParkedKey]:
    """The keys with parked events, longest waiting first."""
    async with begin(engine) as tx:
        rows = (await tx.execute(_KEYS)).all()
    keys = [
        ParkedKey(
            row.key,
            row.events,
            row.parked_at,
            row.topic,
            row.reason,
            row.event_id,
            tuple(wire.unpack_headers(row.headers)),
            row.size or 0,
        )
        for row in rows
    ]
    return sorted(keys, key=lambda parked: (parked.since, parked.key))


async def parked_events(engine: AsyncEngine, key: str, most: int = _BATCH) -> list[ParkedEvent]:
    """The first `most` parked events of `key`, in the order in which they will be applied."""
    async with begin(engine) as tx:
        rows = (await tx.execute(_EVENTS, {"key": key, "most": most})).all()
    return [_event(row) for row in rows]


async def replay_key(
    door: Door,
    key: str,
    decode: Decoder = wire.decode,
    *,
    dry_run: bool = False,
    allowance: Allowance | None = None,
) -> Replayed:
    """Apply the parked events of `key` in order; stops at the first that fails again, or at the allowance.

    The inbox knows them already, so they pass it by. Each is deleted in the transaction that
    applies it: a second replay finds nothing to do. While rows remain, later events of the key
    keep parking behind them, so order holds during traffic. What fails again stays, with the new
    reason. A dry run decides on all of them in one transaction and takes it back.

    Raises:
        Unavailable: PostgreSQL can't be used now; what was applied before stays applied.
    """
    take = _rehearse if dry_run else _replay
    return await take(door, key, decode, allowance or Allowance())


async def _replay(door: Door, key: str, decode: Decoder, allowance: Allowance) -> Replayed:
    applied = 0
    while events := await parked_events(door.engine, key):
        for event in events:
            if allowance.spent:
                return Replayed(key, applied, stopped=True)
            await allowance.turn()
            try:
                done = await _apply_alone(door, event, decode)
            except Exception as error:  # noqa: BLE001  # whatever failed, the key stays parked
                reason = _reason(error)
                await _note_failure(door.engine, event, reason)
                allowance.count()
                return Replayed(key, applied, reason)
            if done:
                applied += 1
                allowance.count()
    return Replayed(key, applied)


async def _rehearse(door: Door, key: str, decode: Decoder, allowance: Allowance) -> Replayed:
    applied = 0
    try:
        async with door.work() as work:
            while (first := await _first(work, key)) and not allowance.spent:
                await _apply(door, work, first, decode)
                applied += 1
                allowance.count()
            raise _TakenBack(stopped=first is not None)
    except _TakenBack as end:
        return Replayed(key, applied, stopped=end.stopped)
    except Exception as error:  # noqa: BLE001  # the dry run is there to find it
        allowance.count()
        return Replayed(key, applied, _reason(error))


async def _first(work: Work, key: str) -> ParkedEvent | None:
    row = (await work.tx.execute(_EVENTS, {"key": key, "most": 1})).one_or_none()
    return None if row is None else _event(row)


async def _apply_alone(door: Door, event: ParkedEvent, decode: Decoder) -> bool:
    """In a transaction of its own; decides again on fresh state if someone else took what we wanted."""
    for _ in range(_CONFLICT_ATTEMPTS - 1):
        try:
            async with door.work() as work:
                return await _apply(door, work, event, decode)
        except Swapped:
            continue
        except DBAPIError as error:
            if not sqlstate(error).startswith(CONFLICT_STATES):
                raise
    async with door.work() as work:
        return await _apply(door, work, event, decode)


async def _apply(door: Door, work: Work, event: ParkedEvent, decode: Decoder) -> bool:
    """Tells whether it was still there: somebody else may have replayed it while we waited for the lock."""
    message = decode(event.record)
    await door.lock(work.tx, [message])
    if not (await work.tx.execute(_DONE, {"position": event.position})).rowcount:
        return False
    await door.apply(work, message)
    return True


def _reason(error: Exception) -> str:
    """Why an event fails, without its values.

    Raises:
        Unavailable: it is no failure of the event.
    """
    if isinstance(error, Unavailable):
        raise error
    if isinstance(error, Refused | Unreadable):
        return error.reason
    if isinstance(error, DBAPIError):
        return f"database error {sqlstate(error)}"
    return f"{type(error).__name__} in the handler"


async def _note_failure(engine: AsyncEngine, event: ParkedEvent, reason: str) -> None:
    async with begin(engine) as tx:
        await tx.execute(_FAILED_AGAIN, {"position": event.position, "reason": reason[:500]})


def _event(row: Row[Any]) -> ParkedEvent:
    position = Position(row.topic, row.partition, row.record_offset)
    record = RawRecord(position, row.record_key, row.value, tuple(wire.unpack_headers(row.headers)))
    return ParkedEvent(row.position, row.event_id, row.reason, row.parked_at, record)
