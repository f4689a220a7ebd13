"""Mending the JSON of a dead letter: by pointers to its fields, so that nobody has to see what is in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from shared.messaging.message import RawRecord
from shared.messaging.replay_run import Mend, NotMended


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a letter's JSON: `pointer` as in RFC 6901; `value` None takes it away, else it is JSON text."""

    pointer: str
    value: str | None = None


def mend_with(changes: Sequence[Change]) -> Mend:
    """Makes these changes, in order, to the value of a record."""

    def mend(record: RawRecord) -> RawRecord:
        try:
            content = orjson.loads(record.value or b"")
        except orjson.JSONDecodeError:
            raise NotMended("its value is no JSON: no field of it can be changed") from None
        for change in changes:
            _apply(content, change)
        return record._replace(value=orjson.dumps(content))

    return mend


def _apply(content: Any, change: Change) -> None:
    *steps, last = _parsed(change.pointer)
    for step in steps:
        content = _inside(content, step, change.pointer)
    holder: Any = content
    if change.value is None or isinstance(content, list):
        _inside(content, last, change.pointer)
    elif not isinstance(content, dict):
        raise NotMended(f"{change.pointer} leads to no field")
    place = int(last) if isinstance(content, list) else last
    if change.value is None:
        del holder[place]
    else:
        holder[place] = _json(change)


def _parsed(pointer: str) -> list[str]:
    if not pointer.startswith("/"):
        raise NotMended(f"{pointer!r} is no pointer: it begins with /, as in /contact/language")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]


def _inside(content: Any, step: str, pointer: str) -> Any:
    try:
        return content[int(step)] if isinstance(content, list) else content[step]
    except (KeyError, IndexError, ValueError, TypeError):
        raise NotMended(f"{pointer} leads to no field") from None


def _json(change: Change) -> Any:
    try:
        return orjson.loads(change.value or "")
    except orjson.JSONDecodeError:
        raise NotMended(f"the new value of {change.pointer} is no JSON; text needs quotes") from None
