"""Telling about records without telling what is in them: their values may be personal data."""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from shared.messaging.wire import SECRET_HEADERS

_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,300}")
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+/-]+(; ?[a-z]+=[A-Za-z0-9-]+)?")
_SHOWN_HEADERS = frozenset(
    {"ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "ce_dataschema", "ce_partitionkey", "ce_subject"}
    | {"ce_correlationid", "ce_causationid", "ce_sequence", "traceparent"}
)
_OURS = frozenset({"dlq-code", "dlq-reason", "dlq-topic", "dlq-partition", "dlq-offset"})
_MOST_DEEP, _MOST_FIELDS, _MOST_SHAPES = 8, 200, 5

Header = tuple[str, bytes | None]


def printable(text: str) -> str:
    """`text` with everything escaped that a terminal might obey instead of showing."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def identifier(raw: bytes | str | None) -> str:
    """`raw` where it has the form of an id, so that it may be shown; else only how long it is."""
    if not raw:
        return ""
    content = raw.encode() if isinstance(raw, str) else raw
    text = content.decode("utf-8", "replace")
    return text if _ID.fullmatch(text) else f"({len(content)} bytes)"


def masked_headers(headers: Sequence[Header]) -> list[tuple[str, str]]:
    """The headers; of those that we know the value too, where it has the form of an id.

    Of several of one name the last is known: what was added here stands behind what a sender wrote.
    """
    last = {name: place for place, (name, _) in enumerate(headers)}
    return [
        (_name(name), _masked(name.lower() if last[name] == place else "", value))
        for place, (name, value) in enumerate(headers)
    ]


def bare_headers(headers: Sequence[Header]) -> list[tuple[str, str]]:
    """The headers with their values, which may be personal data; never a secret."""
    return [(printable(name), _bare(name, value)) for name, value in headers]


def _name(name: str) -> str:
    return name if _ID.fullmatch(name) else f"({len(name)} characters)"


def _masked(name: str, value: bytes | None) -> str:
    if value is None:
        return "(null)"
    if name in _OURS:
        return printable(value.decode("utf-8", "replace"))
    if name == "content-type" and _MEDIA_TYPE.fullmatch(value.decode("utf-8", "replace")):
        return value.decode()
    return identifier(value) if name in _SHOWN_HEADERS else f"({len(value)} bytes)"


def _bare(name: str, value: bytes | None) -> str:
    if value is None:
        return "(null)"
    if name.lower() in SECRET_HEADERS:
        return "(a secret, never shown)"
    return printable(value.decode("utf-8", "backslashreplace"))


def outline(value: bytes | None) -> Any:
    """What a value looks like: its fields and their types, none of what they say.

    JSON gives the same JSON with each value replaced by its type; other bytes a line about them.
    """
    if value is None:
        return "no value (a tombstone)"
    try:
        content: Any = orjson.loads(value)
    except orjson.JSONDecodeError:
        return f"{len(value)} bytes that are not JSON"
    return _outline(content, 0)


def _outline(content: Any, depth: int) -> Any:
    if isinstance(content, dict | list) and depth >= _MOST_DEEP:
        return "(deeper than is shown)"
    if isinstance(content, dict):
        return _fields(content, depth)
    if isinstance(content, list):
        return _shapes(content, depth)
    return _type(content)


def _fields(content: dict[str, Any], depth: int) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, value in list(content.items())[:_MOST_FIELDS]:
        # Not a name that a contract would give: somebody's data may have become a key.
        label = name if _FIELD.fullmatch(name) else f"({len(name)} characters)"
        shown[label] = _outline(value, depth + 1)
    if len(content) > _MOST_FIELDS:
        shown["..."] = f"{len(content) - _MOST_FIELDS} more fields"
    return shown


def _shapes(content: list[Any], depth: int) -> list[Any]:
    """The different shapes among the entries, and how many entries there are."""
    shapes: list[Any] = []
    for entry in content[:_MOST_FIELDS]:
        shape = _outline(entry, depth + 1)
        if shape not in shapes:
            shapes.append(shape)
        if len(shapes) == _MOST_SHAPES:
            break
    return [*shapes, f"{len(content)} in all"]


def _type(content: Any) -> str:
    if content is None:
        return "null"
    if isinstance(content, bool):
        return "true or false"
    return "text" if isinstance(content, str) else "number"


def bare_value(value: bytes | None) -> Any:
    """The value itself, which may be personal data: JSON as such, other bytes as text."""
    if value is None:
        return None
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return printable(value.decode("utf-8", "backslashreplace"))
