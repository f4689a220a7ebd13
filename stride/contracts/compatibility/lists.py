"""Arrays: the items, and places with a meaning of their own (tuples)."""

from collections.abc import Iterator
from typing import Any

from stride.contracts.compatibility.pairs import Pair, Schema


def rule(pair: Pair) -> Iterator[Pair]:
    """The reader must read each item that the writer may write, place by place, then the rest."""
    if "array" not in (pair.writer.get("type"), pair.reader.get("type")):
        return
    places = max(len(_first(pair.reader)), len(_first(pair.writer)))
    longest = pair.writer.get("maxItems", float("inf"))
    for place in range(places):
        if place < longest:
            yield pair.at(str(place), _item(pair.reader, place), _item(pair.writer, place))
    if longest > places and pair.writer.get("items") is not False:
        yield pair.at("*", pair.reader.get("items", True), pair.writer.get("items", True))


def _first(schema: Schema) -> list[Any]:
    return schema.get("prefixItems", [])


def _item(schema: Schema, place: int) -> Any:
    first = _first(schema)
    return first[place] if place < len(first) else schema.get("items", True)
