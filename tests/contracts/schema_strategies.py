"""Random schemas of the kind that Pydantic generates, changed a little, and instances that a writer writes."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]

_NAMES = st.sampled_from("abc")
_SMALL = st.integers(0, 3)
_PATTERNS = {"^[a-c]*$": "abc", "^[b-d]*$": "bcd"}
_VALUES = st.sampled_from(["a", "b", "abc", 0, 1, 2, True, None])


def _texts() -> st.SearchStrategy[Schema]:
    limits = {"minLength": st.integers(0, 1), "maxLength": st.integers(1, 3), "pattern": st.sampled_from([*_PATTERNS])}
    return st.fixed_dictionaries({"type": st.just("string")}, optional=limits)


def _numbers() -> st.SearchStrategy[Schema]:
    low, high = st.integers(-2, 1), st.integers(1, 4)
    limits = {"minimum": low, "maximum": high, "exclusiveMinimum": low, "exclusiveMaximum": st.integers(3, 5)}
    limits |= {"multipleOf": st.sampled_from([1, 2])}
    return st.fixed_dictionaries({"type": st.sampled_from(["integer", "number"])}, optional=limits)


def _named() -> st.SearchStrategy[Schema]:
    several = st.lists(_VALUES, min_size=1, max_size=3, unique_by=repr)
    return st.one_of(
        several.map(lambda values: {"enum": values}),
        _VALUES.map(lambda value: {"const": value}),
    )


def _lists(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    limits = {"minItems": st.integers(0, 1), "maxItems": st.integers(1, 3), "prefixItems": st.lists(inner, max_size=2)}
    return st.fixed_dictionaries({"type": st.just("array"), "items": inner}, optional=limits)


def _objects(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    fields = st.dictionaries(_NAMES, inner, max_size=3)
    return st.tuples(fields, st.sets(_NAMES)).map(
        lambda drawn: {
            "type": "object",
            "properties": drawn[0],
            "required": sorted(drawn[0].keys() & drawn[1]),
        }
    )


def _dicts(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    names = st.sampled_from([{"pattern": "^[a-c]*$"}, {"maxLength": 2}, {"enum": ["a", "b"]}])
    limits = {"minProperties": st.integers(0, 1), "maxProperties": st.integers(1, 3), "propertyNames": names}
    return st.fixed_dictionaries({"type": st.just("object"), "additionalProperties": inner}, optional=limits)


def _unions(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"anyOf": parts})


def _tagged(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    def union(parts: dict[str, Schema]) -> Schema:
        alternatives = [
            {"type": "object", "properties": {"kind": {"const": tag}, "a": part}, "required": ["kind", "a"]}
            for tag, part in parts.items()
        ]
        return {"discriminator": {"propertyName": "kind"}, "oneOf": alternatives}

    return st.dictionaries(st.sampled_from("xyz"), inner, min_size=1, max_size=3).map(union)


SCHEMAS: st.SearchStrategy[Schema] = st.recursive(
    st.one_of(_texts(), _numbers(), _named(), st.sampled_from([{"type": "null"}, {"type": "boolean"}, {}])),
    lambda inner: st.one_of(*(make(inner) for make in (_lists, _objects, _dicts, _unions, _tagged))),
    max_leaves=4,
)


@st.composite
def changed(draw: st.DrawFn, schema: Schema) -> Schema:
    """`schema` with a few places changed: mostly alike, so that it often is and often isn't compatible."""
    if draw(st.integers(0, 7)) == 0:
        return draw(SCHEMAS)
    result = dict(schema)
    for keyword in schema:
        if keyword in _CHANGES and draw(st.integers(0, 3)) == 0:
            result = _CHANGES[keyword](draw, result)
        elif keyword in ("items", "additionalProperties"):
            result[keyword] = draw(changed(schema[keyword]))
        elif keyword in ("anyOf", "oneOf", "prefixItems"):
            result[keyword] = [draw(changed(part)) if keyword != "oneOf" else part for part in schema[keyword]]
        elif keyword == "properties":
            result[keyword] = {name: draw(changed(part)) for name, part in schema[keyword].items()}
    return result


def _moved(keyword: str) -> Callable[[st.DrawFn, Schema], Schema]:
    return lambda draw, schema: {**schema, keyword: max(0, schema[keyword] + draw(st.sampled_from([-1, 1])))}


def _left_out(keyword: str) -> Callable[[st.DrawFn, Schema], Schema]:
    return lambda draw, schema: {key: value for key, value in schema.items() if key != keyword}


def _other_alternative(draw: st.DrawFn, schema: Schema) -> Schema:
    parts = schema["anyOf"]
    fewer = draw(st.booleans()) and len(parts) > 1
    return {**schema, "anyOf": parts[1:] if fewer else [*parts, draw(SCHEMAS)]}


def _other_tag(draw: st.DrawFn, schema: Schema) -> Schema:
    known = {part["properties"]["kind"]["const"] for part in schema["oneOf"]}
    more = [part for part in draw(_tagged(SCHEMAS))["oneOf"] if part["properties"]["kind"]["const"] not in known]
    return {**schema, "oneOf": more + schema["oneOf"][1 if more and draw(st.booleans()) else 0 :]}


def _fewer_required(draw: st.DrawFn, schema: Schema) -> Schema:
    return {**schema, "required": [name for name in schema["required"] if draw(st.booleans())]}


def _more_values(draw: st.DrawFn, schema: Schema) -> Schema:
    return {**schema, "enum": [*schema["enum"], draw(_VALUES)]}


def _another_field(draw: st.DrawFn, schema: Schema) -> Schema:
    return {**schema, "properties": {**schema["properties"], draw(_NAMES): draw(SCHEMAS)}}


_CHANGES: dict[str, Callable[[st.DrawFn, Schema], Schema]] = {
    **{name: _moved(name) for name in ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")},
    **{
        name: _left_out(name)
        for name in ("pattern", "multipleOf", "exclusiveMinimum", "propertyNames", "maxProperties")
    },
    "type": lambda draw, schema: {**schema, "type": "number"} if schema["type"] == "integer" else schema,
    "required": _fewer_required,
    "enum": _more_values,
    "properties": _another_field,
    "anyOf": _other_alternative,
    "oneOf": _other_tag,
}


def closed(schema: Any) -> Any:
    """`schema` for a writer: it writes no fields but those that it declares."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    whole = {keyword: closed(part) for keyword, part in schema.items()}
    return {"additionalProperties": False, **whole} if schema.get("type") == "object" else whole


def instances(schema: Schema) -> st.SearchStrategy[Any]:
    """What a writer of `schema` may write: no fields but those it declares. Filter for validity."""
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return st.one_of(*(instances(part) for part in schema[keyword]))
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return _OF_TYPE[schema.get("type", "anything")](schema)


def _text(schema: Schema) -> st.SearchStrategy[str]:
    return st.text(_PATTERNS.get(schema.get("pattern", ""), "abcdé"), max_size=schema.get("maxLength", 4))


def _number(schema: Schema) -> st.SearchStrategy[Any]:
    whole = st.integers(-3, 5)
    return whole if schema["type"] == "integer" else whole | st.sampled_from([-1.5, 0.5, 2.5, 3.5])


@st.composite
def _list(draw: st.DrawFn, schema: Schema) -> list[Any]:
    first = schema.get("prefixItems", [])
    size = draw(st.integers(schema.get("minItems", 0), schema.get("maxItems", 4)))
    return [draw(instances(first[place] if place < len(first) else schema["items"])) for place in range(size)]


@st.composite
def _object(draw: st.DrawFn, schema: Schema) -> dict[str, Any]:
    if "additionalProperties" in schema:
        names = st.text("abcd", max_size=3)
        return draw(st.dictionaries(names, instances(schema["additionalProperties"]), max_size=3))
    kept = [name for name in schema["properties"] if name in schema["required"] or draw(st.booleans())]
    return {name: draw(instances(schema["properties"][name])) for name in kept}


_OF_TYPE: dict[str, Callable[[Schema], st.SearchStrategy[Any]]] = {
    "string": _text,
    "integer": _number,
    "number": _number,
    "array": _list,
    "object": _object,
    "null": lambda _: st.none(),
    "boolean": lambda _: st.booleans(),
    "anything": lambda _: st.sampled_from([None, True, 0, 1.5, "a", [], [1], {}, {"a": 1}]),
}
