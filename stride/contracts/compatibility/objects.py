"""Objects: required fields, fields that both know, and fields without a name of their own (dicts)."""

from collections.abc import Iterator, Mapping
from typing import Any

from stride.contracts.compatibility.pairs import Breach, Pair, Schema, as_schema, followed
from stride.contracts.compatibility.types import same

_NONE = object()


def rule(pair: Pair) -> Iterator[Breach | Pair]:
    """What the reader requires must be written, and what is written must be read."""
    yield from _required(pair)
    yield from _defaults(pair)
    yield from _fields(pair)
    yield from _others(pair)
    yield from _names(pair)


def _required(pair: Pair) -> Iterator[Breach]:
    for name in sorted(set(pair.reader.get("required", ())) - set(pair.writer.get("required", ()))):
        yield pair.breach("required", "the reader requires it, and the writer may leave it out", name)


def _defaults(pair: Pair) -> Iterator[Breach]:
    """A field that was left out means the reader's default: it must be what the writer meant."""
    read, written = _properties(pair.reader), _properties(pair.writer)
    for name in sorted((read.keys() & written.keys()) - set(pair.writer.get("required", ()))):
        meant = followed(as_schema(written[name]), pair.writer_document).get("default", _NONE)
        understood = pair.expected(as_schema(read[name])).get("default", _NONE)
        if _NONE not in (meant, understood) and not same(meant, understood):
            what = f"left out, it means {meant!r} to the writer and {understood!r} to the reader"
            yield pair.breach("default", what, name)


def _fields(pair: Pair) -> Iterator[Pair]:
    """Fields that the reader declares; the writer writes them by name, or under any name."""
    written, unnamed = _properties(pair.writer), _unnamed(pair.writer)
    for name, expected in _properties(pair.reader).items():
        for given in [written[name]] if name in written else unnamed:
            yield pair.at(name, expected, given)


def _others(pair: Pair) -> Iterator[Pair]:
    """What the reader does not declare must be as it wants the rest to be: anything, unless it says so."""
    expected = pair.reader.get("additionalProperties", True)
    for name, given in _properties(pair.writer).items():
        if name not in _properties(pair.reader):
            yield pair.at(name, expected, given)
    for given in _unnamed(pair.writer):
        yield pair.at("*", expected, given)


def _names(pair: Pair) -> Iterator[Pair]:
    """A dict whose keys have a shape."""
    if "propertyNames" not in pair.reader:
        return
    for name in _properties(pair.writer):
        yield pair.at("(name)", pair.reader["propertyNames"], {"const": name})
    if _unnamed(pair.writer):
        given = {"type": "string", **pair.writer.get("propertyNames", {})}
        yield pair.at("(name)", {"type": "string", **pair.reader["propertyNames"]}, given)


def _properties(schema: Schema) -> Mapping[str, Any]:
    return schema.get("properties", {})


def _unnamed(schema: Schema) -> list[Any]:
    """What a writer may write under names that are not declared; nothing, unless it is a dict."""
    found = [schema["additionalProperties"]] if "additionalProperties" in schema else []
    return [given for given in [*found, *schema.get("patternProperties", {}).values()] if given is not False]
