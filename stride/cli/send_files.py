"""What `stride send` finds in files: CloudEvents (one, a list, or one a line), FHIR resources and calendars."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

_SUFFIXES = {".json", ".jsonl", ".ndjson", ".ics"}
_BATCH_ITEMS = 200
_BATCH_BYTES = 900_000

Kind = Literal["fhir", "event", "batch", "calendar"]


class NothingToSend(Exception):
    """A path does not exist, or there is no file to send below it."""

    exit_code = 2


class NotSendable(Exception):
    """A file holds neither CloudEvents nor FHIR nor a calendar."""


@dataclass(frozen=True, slots=True)
class Post:
    """One request: what it is, and the bytes to send."""

    kind: Kind
    body: bytes
    origin: str
    """File, and line where there are several."""


def files_of(paths: list[Path]) -> list[Path]:
    """The JSON and iCalendar files at and below `paths`, in the order of their names.

    Raises:
        NothingToSend: there are none.
    """
    found: list[Path] = []
    for path in paths:
        below = sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES) if path.is_dir() else [path]
        found += [file for file in below if file.is_file()]
        if not below or not all(file.exists() for file in below):
            raise NothingToSend(f"{path}: no such file, or a folder without .json, .jsonl, .ndjson or .ics files.")
    return found


def posts_of(file: Path) -> Iterator[Post]:
    """The requests that bring what `file` holds.

    Raises:
        NotSendable: it is no JSON, or neither CloudEvents nor FHIR.
    """
    raw = file.read_bytes()
    if file.suffix == ".ics":
        yield Post("calendar", raw, file.name)
        return
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        yield from _lines(file, raw)
        return
    if isinstance(content, list):
        yield from _batches(content, file.name)
    else:
        yield Post(_kind(content, file.name), raw, file.name)


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
            yield Post("fhir", line, origin)
    yield from _batches(events, file.name)


def _batches(events: list[Any], origin: str) -> Iterator[Post]:
    """Lists of events that stay within what one request may hold."""
    packed: list[bytes] = []
    for event in events:
        item = json.dumps(event).encode()
        if packed and (len(packed) == _BATCH_ITEMS or sum(map(len, packed)) + len(item) > _BATCH_BYTES):
            yield Post("batch", _list(packed), origin)
            packed = []
        packed.append(item)
    if packed:
        yield Post("batch", _list(packed), origin)


def _list(items: list[bytes]) -> bytes:
    return b"[" + b",".join(items) + b"]"


def _kind(content: object, origin: str) -> Kind:
    if isinstance(content, dict) and "resourceType" in content:
        return "fhir"
    if isinstance(content, dict) and "specversion" in content:
        return "event"
    raise NotSendable(f"{origin}: neither a CloudEvent (specversion) nor FHIR (resourceType)")
