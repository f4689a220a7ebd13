"""Events that could not be applied wait here, with every later event of the same key behind them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import fetch
from shared.events.base import Fact
from shared.messaging import wire
from shared.messaging.errors import Refused, TooManyFailures
from shared.messaging.message import Decision, Message, Newer, RawRecord

BEHIND = "behind-parked"
"""The reason of an event that is fine itself but must wait for an earlier one of its key."""

NEWER = "newer-version: "
"""How the reason of an event begins that waits for an update of this service: no failure, so no limit."""

MOST_FAILURES = 100
"""How many events may fail within ten minutes before the service stops reading."""

_BLOCKED = text("SELECT DISTINCT key FROM parked WHERE key = ANY(:keys)")
_FAILED_LATELY = text("""
    SELECT count(*) FROM parked
    WHERE reason <> :behind AND NOT starts_with(reason, :newer) AND parked_at > now() - interval '10 minutes'
""")
_PARK = text("""
    INSERT INTO parked (key, topic, partition, record_offset, event_id, record_key, headers, value, reason)
    VALUES (:key, :topic, :partition, :offset, :event_id, :record_key, :headers, :value, :reason)
""")


async def blocked_keys(tx: AsyncConnection, keys: Iterable[str]) -> set[str]:
    """Which of `keys` have parked events."""
    asked = list(set(keys))
    return {key for (key,) in await fetch(tx, _BLOCKED, {"keys": asked})} if asked else set()


async def check_limit(tx: AsyncConnection, most: int = MOST_FAILURES) -> None:
    """To be asked after parking, in the same transaction, which then must not commit.

    Raises:
        TooManyFailures: more than `most` events failed within ten minutes. A bad deployment then
            stops, and does not park a clinic's whole day.
    """
    failed = await tx.scalar(_FAILED_LATELY, {"behind": BEHIND, "newer": NEWER})
    if failed and failed > most:
        raise TooManyFailures(
            f"More than {most} events failed within 10 minutes. Nothing more is read until fewer did; "
            "mend the service, then replay what is parked."
        )


def wait_for_update(state: Any, fact: Fact, now: datetime) -> Decision[Any]:
    """The handler of a version that this service does not know yet.

    Its sender was updated first, as happens in every rolling deployment. That is no fault of the
    service and does not count towards the limit: it would stop reading for all patients.

    Raises:
        Refused: always; so the event is parked, and a replay after the update applies it.
    """
    wire_type = fact.of_type if isinstance(fact, Newer) else fact.wire_type()
    raise Refused(f"{NEWER}{wire_type}; update this service, then replay.")


async def park(tx: AsyncConnection, parked: Sequence[tuple[Message, str]]) -> None:
    """Keep the records of `parked` byte for byte, but for a sender's token, each with its reason."""
    rows = [_row(message, message.record, reason) for message, reason in parked if message.record]
    if rows:
        await tx.execute(_PARK, rows)


def _row(message: Message, record: RawRecord, reason: str) -> dict[str, object]:
    return {
        "key": message.key,
        "topic": record.position.topic,
        "partition": record.position.partition,
        "offset": record.position.offset,
        "event_id": message.event_id,
        "record_key": record.key,
        "headers": wire.pack_raw_headers(wire.without_secrets(record.headers)),
        "value": record.value,
        "reason": reason[:500],
    }
