"""What `stride send` finds in files: CloudEvents (one, a list, or one a line), FHIR resources and calendars."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from shared.events.calendars import CalendarChanged
from stride.cli.send_calendars import SUFFIXES as YAML
from stride.cli.send_calendars import NoCalendar, calendars_in

_SUFFIXES = {".json", ".jsonl", ".ndjson", ".ics", *YAML}
_EVENTS = "stride send"
_BATCH_ITEMS = 200
_BATCH_BYTES = 900_000
_NAMES = {"fhir": "FHIR", "event": "a CloudEvent"}

Kind = Literal["fhir", "event", "batch", "calendar", "withdrawal"]


class NothingToSend(Exception):
    """A path does not exist, or there is no file to send below it."""

    exit_code = 2


class NotSendable(Exception):
    """A file holds neither CloudEvents nor FHIR nor a calendar, or one that is wrong."""


@dataclass(frozen=True, slots=True)
class Post:
    """One request: what it is, and the bytes to send."""

    kind: Kind
    body: bytes
    origin: str
    """File, and line where there are several."""
    says: tuple[str, ...]
    """What is in it, for people: a line each."""
    clinic: str = ""
    """The clinic that it names, where it names one."""


def files_of(paths: list[Path]) -> list[Path]:
    """The JSON, YAML and iCalendar files at and below `paths`, in the order of their names.

    Raises:
        NothingToSend: there are none.
    """
    found: list[Path] = []
    for path in paths:
        below = sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES) if path.is_dir() else [path]
        found += [file for file in below if file.is_file()]
        if not below or not all(file.exists() for file in below):
            raise NothingToSend(f"{path}: no such file, or a folder without {', '.join(sorted(_SUFFIXES))} files.")
    return found


def posts_of(file: Path, now: datetime, *, withdraw: bool = False) -> Iterator[Post]:
    """The requests that bring what `file` holds, or that take its calendars away.

    Raises:
        NotSendable: it is no JSON, neither CloudEvents nor FHIR, or a calendar that is wrong.
    """
    if file.suffix in YAML:
        yield from _calendars(file, now, withdrawn=withdraw)
    elif file.suffix == ".ics":
        kind: Kind = "withdrawal" if withdraw else "calendar"
        yield Post(kind, b"" if withdraw else file.read_bytes(), file.name, (f"{kind} of {file.stem}",))
    elif withdraw:
        raise NotSendable(f"{file.name}: only calendars (.ics, .yaml) can be withdrawn.")
    else:
        yield from _records(file)


def _calendars(file: Path, now: datetime, *, withdrawn: bool) -> Iterator[Post]:
    try:
        clinic, facts = calendars_in(file, now, withdrawn=withdrawn)
    except NoCalendar as error:
        raise NotSendable(str(error)) from None
    says = iter(map(_said, facts))
    for batch in _packed([_event(fact, clinic) for fact in facts]):
        yield Post("batch", _list(batch), file.name, tuple(islice(says, len(batch))), clinic)


def _event(fact: CalendarChanged, clinic: str) -> dict[str, Any]:
    data = fact.model_dump(mode="json", exclude_none=True, exclude=None if clinic else {"clinic_id"})
    about = {"specversion": "1.0", "id": f"{fact.calendar_id}/{fact.revision}", "source": _EVENTS}
    return about | {"type": fact.wire_type(), "data": data}


def _said(fact: CalendarChanged) -> str:
    if fact.withdrawn:
        return f"{fact.calendar_id}: withdrawn"
    hours = "" if fact.hours is None else f"{len(fact.hours)} spells of weekly hours, "
    return f"{fact.calendar_id}: {hours}closed {len(fact.closed)} times"


def _records(file: Path) -> Iterator[Post]:
    raw = file.read_bytes()
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        yield from _lines(file, raw)
        return
    if isinstance(content, list):
        yield from _batches(content, file.name)
    else:
        kind = _kind(content, file.name)
        yield Post(kind, raw, file.name, (_NAMES[kind],))


def _lines(file: Path, raw: bytes) -> Iterator[Post]:
    """JSON lines; where the first line is no JSON either, the file is none."""
    events: list[Any] = []
    for number, line in enumerate(raw.splitlines(), start=1):
        if not line.strip():
            continue
        origin = f"{file.name}:{number}"
        try:
            content: Any = json.loads(line)
        except (ValueError, RecursionError):
            raise NotSendable(f"{origin}: not JSON") from None
        if _kind(content, origin) == "event":
            events.append(content)
        else:
            yield Post("fhir", line, origin, (_NAMES["fhir"],))
    yield from _batches(events, file.name)


def _batches(events: list[Any], origin: str) -> Iterator[Post]:
    for batch in _packed(events):
        yield Post("batch", _list(batch), origin, (f"{len(batch)} CloudEvents",))


def _packed(events: list[Any]) -> Iterator[list[bytes]]:
    """Lists of events that stay within what one request may hold."""
    packed: list[bytes] = []
    for event in events:
        item = json.dumps(event).encode()
        if packed and (len(packed) == _BATCH_ITEMS or sum(map(len, packed)) + len(item) > _BATCH_BYTES):
            yield packed
            packed = []
        packed.append(item)
    if packed:
        yield packed


def _list(items: list[bytes]) -> bytes:
    return b"[" + b",".join(items) + b"]"


def _kind(content: object, origin: str) -> Kind:
    if isinstance(content, dict) and "resourceType" in content:
        return "fhir"
    if isinstance(content, dict) and "specversion" in content:
        return "event"
    raise NotSendable(f"{origin}: neither a CloudEvent (specversion) nor FHIR (resourceType)")
