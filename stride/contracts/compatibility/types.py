"""Types, named values, and keywords that nobody here can judge."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from stride.contracts.compatibility.pairs import Breach, Pair, Schema

IGNORED = frozenset(
    {"title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly", "$id", "$schema", "$defs"}
)
"""They say nothing about which values are valid. Defaults are judged where the field may be left out."""

JUDGED = frozenset(
    {"type", "const", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    | {"minLength", "maxLength", "pattern", "format", "items", "prefixItems", "minItems", "maxItems"}
    | {"properties", "required", "additionalProperties", "propertyNames", "minProperties", "maxProperties"}
)
"""What the rules beside this file know; alternatives are taken apart before."""

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null", list: "array"}


def rule(pair: Pair) -> Iterator[Breach]:
    """The reader's type must cover the writer's; a reader of named values needs a writer of named values."""
    known = values_of(pair.reader)
    if known is not None:
        yield pair.breach("choice", f"the reader knows {listed(known)} only, and the writer may write others")
    expected, written = pair.reader.get("type"), pair.writer.get("type")
    if expected is None:
        return
    if written is None:
        yield pair.breach("type", f"the reader expects {expected}, and the writer may write anything")
    elif expected != written and (expected, written) != ("number", "integer"):
        yield pair.breach("type", f"the reader expects {expected}, and the writer writes {written}")


def unjudged(pair: Pair) -> Iterator[Breach]:
    """A keyword of the reader that no rule knows must stand in the writer just so."""
    for keyword in sorted(set(pair.reader) - JUDGED - IGNORED):
        asked = pair.reader[keyword]
        if pair.writer.get(keyword, ...) != asked or "$ref" in repr(asked):
            yield pair.breach("unjudged", f"no rule can judge the keyword {keyword}")


def values_of(schema: Schema) -> Sequence[Any] | None:
    """The values that a schema names one by one, if it does."""
    return [schema["const"]] if "const" in schema else schema.get("enum")


def type_of(value: Any) -> str:
    """The JSON type of a value."""
    return _TYPES.get(type(value), "object")


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: `true` is not 1."""
    return type_of(one) == type_of(other) and one == other


def listed(values: Iterable[Any]) -> str:
    """For a message; values of a contract are no personal data."""
    return ", ".join(repr(value) for value in values)
