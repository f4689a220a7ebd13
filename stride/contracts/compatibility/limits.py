"""Ranges, lengths, patterns and formats: the writer must keep within what the reader allows."""

from collections.abc import Iterator

from stride.contracts.compatibility.pairs import Breach, Pair, Schema

_LEAST = ("minLength", "minItems", "minProperties")
_MOST = ("maxLength", "maxItems", "maxProperties")
_SAME = ("pattern", "format", "multipleOf")


def rule(pair: Pair) -> Iterator[Breach]:
    """Of a range or a length, the writer's must lie within; a pattern or a format must be the same."""
    if not _at_least(_low(pair.writer), _low(pair.reader)):
        yield pair.breach("limit", f"the reader's lowest is {_said(pair.reader, 'minimum')}, the writer's is not")
    if not _at_least(_high(pair.writer), _high(pair.reader)):
        yield pair.breach("limit", f"the reader's highest is {_said(pair.reader, 'maximum')}, the writer's is not")
    for keyword in (*_LEAST, *_MOST, *_SAME):
        if keyword in pair.reader and not _within(keyword, pair):
            yield _breach(pair, keyword)


def _within(keyword: str, pair: Pair) -> bool:
    asked, written = pair.reader[keyword], pair.writer.get(keyword)
    if keyword in _SAME:
        return written == asked
    if keyword in _LEAST:
        return (written or 0) >= asked
    return written is not None and written <= asked


def _breach(pair: Pair, keyword: str) -> Breach:
    written = pair.writer.get(keyword, "none")
    return pair.breach("limit", f"the reader's {keyword} is {pair.reader[keyword]}, the writer's is {written}")


Bound = tuple[float, bool]
"""A limit, and whether it is itself excluded. A higher one allows less."""


def _low(schema: Schema) -> Bound | None:
    found = [(schema["minimum"], False)] if "minimum" in schema else []
    found += [(schema["exclusiveMinimum"], True)] if "exclusiveMinimum" in schema else []
    return max(found, default=None)


def _high(schema: Schema) -> Bound | None:
    """Mirrored, so that a higher one allows less here too."""
    found = [(-schema["maximum"], False)] if "maximum" in schema else []
    found += [(-schema["exclusiveMaximum"], True)] if "exclusiveMaximum" in schema else []
    return max(found, default=None)


def _at_least(written: Bound | None, asked: Bound | None) -> bool:
    return asked is None or (written is not None and written >= asked)


def _said(schema: Schema, keyword: str) -> str:
    inclusive, exclusive = schema.get(keyword), schema.get(f"exclusive{keyword.capitalize()}")
    return f"{inclusive}" if exclusive is None else f"{exclusive} (excluded)"
