"""The audit trail: who saw which patient and did what, each entry chained to the one before.

An entry's hash covers the hash of the entry before it, so an entry that is changed, removed or put in later
breaks the chain from there on. Each clinic has a chain of its own, counted from 1.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

FIRST: Final = "0" * 64
"""What stands before the first entry."""


class Event(NamedTuple):
    """What is to be recorded. `details` are ids and codes, never names or clinical text."""

    person_id: str
    roles: tuple[str, ...]
    action: str
    """A code such as `course.viewed` or `alert.acknowledge`."""
    patient_ids: tuple[str, ...] = ()
    details: Mapping[str, str] = {}
    outcome: str = "success"
    """`success`, or `refused`."""


class Entry(NamedTuple):
    """An event in its place in the chain of `clinic_id`."""

    clinic_id: str
    number: int
    at: datetime
    event: Event
    before: str
    """The hash of the entry before."""
    hash: str


class Broken(NamedTuple):
    """Where a chain does not hold."""

    clinic_id: str
    number: int
    reason: str


def entry(clinic_id: str, number: int, at: datetime, event: Event, before: str) -> Entry:
    """`event` as entry `number` after the one whose hash is `before`."""
    unhashed = Entry(clinic_id, number, at.astimezone(UTC), event, before, "")
    return unhashed._replace(hash=hash_of(unhashed))


def hash_of(of: Entry) -> str:
    """SHA-256 of the entry as canonical JSON (RFC 8785: all values are strings, integers and lists of strings)."""
    content: dict[str, Any] = {
        "clinic_id": of.clinic_id,
        "number": of.number,
        "at": of.at.astimezone(UTC).isoformat(timespec="microseconds"),
        **of.event._asdict(),
        "before": of.before,
    }
    document = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(document.encode()).hexdigest()


def broken(entries: Iterable[Entry]) -> Iterator[Broken]:
    """Where the chain of one clinic does not hold; `entries` come by number."""
    before, expected = FIRST, 1
    for one in entries:
        if one.number != expected:
            yield Broken(one.clinic_id, expected, f"entries {expected} to {one.number - 1} are missing")
        elif one.before != before:
            yield Broken(one.clinic_id, one.number, "does not follow from the entry before it")
        if one.hash != hash_of(one):
            yield Broken(one.clinic_id, one.number, "was changed after it was written")
        before, expected = one.hash, one.number + 1
