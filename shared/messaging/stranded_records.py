"""One stranded thing in full: its records with headers, positions and sizes, and what their values look like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.messaging.dead_letter_topics import read_letter
from shared.messaging.masking import (
    Header,
    bare_headers,
    bare_value,
    identifier,
    masked_headers,
    outline,
    printable,
)
from shared.messaging.message import Position
from shared.messaging.replay import ParkedEvent, parked_events
from shared.messaging.stranded import Named, Selection, Stranded, find_stranded, of_letter


class NotStranded(Exception):
    """What the id names is not there: taken up meanwhile, expired, or never was."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class StrandedRecord:
    """One record. Headers and `value` are masked (fields and types) unless they were asked for bare."""

    position: Position
    """Where it came from."""
    event_id: str
    event_type: str
    key: str
    reason: str
    since: datetime
    size: int
    headers: Sequence[tuple[str, str]]
    value: Any


async def records_of(
    named: Named, engines: Mapping[str, AsyncEngine], bootstrap: str, *, bare: bool = False, most: int = 20
) -> tuple[Stranded, list[StrandedRecord]]:
    """What an id names, with the first `most` of its records in the order in which they are taken up.

    Raises:
        NotStranded: it is not there.
        Unavailable: PostgreSQL or Kafka does not answer.
    """
    if named.key:
        return await _parked(named, engines, bare=bare, most=most)
    letter = await read_letter(bootstrap, named.service, named.topic, named.offset)
    if letter is None:
        raise NotStranded(f"There is no dead letter {named.service}:{named.topic}:{named.offset} (any more).")
    one, record = of_letter(letter), letter.record
    headers = tuple(record.headers)
    body = bare_value(record.value) if bare else outline(record.value)
    shown = bare_headers(headers) if bare else masked_headers(headers)
    place = _place(headers, one.topic)
    return one, [
        StrandedRecord(place, one.event_id, one.event_type, one.key, one.reason, one.since, one.size, shown, body)
    ]


async def _parked(
    named: Named, engines: Mapping[str, AsyncEngine], *, bare: bool, most: int
) -> tuple[Stranded, list[StrandedRecord]]:
    # Kafka is not asked: parked events are PostgreSQL's.
    found = await find_stranded(engines, "", Selection(kind="parked", service=named.service, key=named.key))
    if not found:
        raise NotStranded(f"No events of {named.key} are parked in {named.service} (any more).")
    events = await parked_events(engines[named.service], named.key, most)
    return found[0], [_record(event, bare=bare) for event in events]


def _record(event: ParkedEvent, *, bare: bool) -> StrandedRecord:
    record = event.record
    return StrandedRecord(
        position=record.position,
        event_id=identifier(event.event_id),
        event_type=identifier(dict(record.headers).get("ce_type")),
        key=identifier(record.key),
        reason=printable(event.reason),
        since=event.parked_at,
        size=len(record.value or b""),
        headers=bare_headers(record.headers) if bare else masked_headers(record.headers),
        value=bare_value(record.value) if bare else outline(record.value),
    )


def _place(headers: Sequence[Header], topic: str) -> Position:
    """Where a dead letter came from, by what was written when it was laid aside."""
    known = dict(headers)
    return Position(topic, _number(known.get("dlq-partition")), _number(known.get("dlq-offset")))


def _number(value: bytes | None) -> int:
    return int(value) if value and value.isdigit() else -1
