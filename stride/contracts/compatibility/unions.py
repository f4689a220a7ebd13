"""Alternatives: `anyOf`, lists of types, members of an enumeration, and `oneOf` told apart by a tag."""

from collections.abc import Iterator, Sequence
from typing import Any

from stride.contracts.compatibility.pairs import Breach, Pair, Schema, as_schema
from stride.contracts.compatibility.types import listed, values_of


def parts(schema: Schema) -> Sequence[Schema]:
    """The alternatives that `schema` consists of; none if it is a single thing or an enumeration."""
    if "anyOf" in schema:
        return [_beside(schema, "anyOf", part) for part in schema["anyOf"]]
    if "oneOf" in schema and "discriminator" in schema:
        return [_beside(schema, "oneOf", part) for part in schema["oneOf"]]
    if isinstance(schema.get("type"), list):
        return [_beside(schema, "type", {"type": name}) for name in schema["type"]]
    return []


def members(schema: Schema) -> Sequence[Schema]:
    """Each value of an enumeration as a constant."""
    return [_beside(schema, "enum", {"const": value}) for value in schema.get("enum", ())]


def _beside(schema: Schema, keyword: str, part: Any) -> Schema:
    """An alternative also has to keep what stands beside the list of alternatives."""
    beside = {key: value for key, value in schema.items() if key not in (keyword, "discriminator", "default")}
    return {**beside, **as_schema(part)}


def by_tag(pair: Pair) -> Iterator[Breach | Pair] | None:
    """For a reader that looks at a tag first: the alternative that each of the writer's tags leads to.

    Nothing if the reader's alternatives are not told apart by a tag.
    """
    if "oneOf" not in pair.reader:
        return None
    return _tagged(pair, pair.reader["discriminator"]["propertyName"])


def _tagged(pair: Pair, tag: str) -> Iterator[Breach | Pair]:
    known = {
        value: alternative for alternative in parts(pair.reader) for value in _tags(pair.expected(alternative), tag)
    }
    written = _tags(pair.writer, tag)
    if not written:
        yield pair.breach("choice", "the reader chooses by it, and the writer may write anything", tag)
    for value in written:
        if value in known:
            yield pair.at("", known[value], pair.writer)
        else:
            yield pair.breach("choice", f"{value!r} is not among {listed(known)}", tag)


def _tags(schema: Schema, tag: str) -> Sequence[Any]:
    """The values that the field `tag` of an object may have, if they are few."""
    return values_of(schema.get("properties", {}).get(tag, {})) or ()
