"""Each rule of compatibility, on the schemas that Pydantic makes of small models."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model

from stride.contracts.compatibility import Breach, breaches, broken
from stride.contracts.compatibility.pairs import Schema

_NO_KEYWORD: Schema = {}


class Foot(BaseModel):
    side: str


class FootWithToe(BaseModel):
    side: str
    toe: str


class Left(BaseModel):
    kind: Literal["left"]
    toes: int


class LeftWithText(BaseModel):
    kind: Literal["left"]
    toes: str


class Both(BaseModel):
    kind: Literal["both"]


class Right(BaseModel):
    kind: Literal["right"]


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    side: str


class Branch(BaseModel):
    name: str
    branches: list["Branch"] = []


class LongBranch(BaseModel):
    name: Annotated[str, Field(max_length=5)]
    branches: list["LongBranch"] = []


class Numbered(BaseModel):
    name: str
    branches: list["Numbered"] = []
    number: int


def of(kind: Any) -> Schema:
    return TypeAdapter(kind).json_schema(mode="serialization")


def field(kind: Any, default: Any = ...) -> Schema:
    """A model with one field `x`."""
    return of(create_model("Model", x=(kind, default)))


def limited(kind: type, **limits: Any) -> Schema:
    return field(Annotated[kind, Field(**limits)])


READ = [
    ("integer as number", field(float), field(int)),
    ("wider range", limited(int, ge=0, le=20), limited(int, ge=0, le=10)),
    ("range where there was an exclusive one", limited(float, ge=0), limited(float, gt=0)),
    ("range no more", field(int), limited(int, ge=0)),
    ("longer text", limited(str, min_length=1, max_length=9), limited(str, min_length=2, max_length=8)),
    ("pattern no more", field(str), limited(str, pattern="^a$")),
    ("one more value", field(Literal["a", "b"]), field(Literal["a"])),
    ("values become text", field(str), field(Literal["a", "b"])),
    ("values within limits", limited(str, max_length=2, pattern="^[a-z]+$"), field(Literal["a", "bc"])),
    ("a number within limits", limited(int, ge=1, multiple_of=2), field(Literal[2, 4])),
    ("null too", field(int | None), field(int)),
    ("a union with more", field(int | str | None), field(str | None)),
    ("values of a union", field(Literal["a"] | int), field(Literal["a", 3])),
    ("anything", field(Any), field(list[Foot])),
    ("optional now", field(int, default=1), field(int)),
    ("a new optional field", of(create_model("Model", x=(int, ...), y=(str, ""))), field(int)),
    ("a field that the reader does not know", of(Foot), of(FootWithToe)),
    ("nested: a field that the reader does not know", field(list[Foot]), field(list[FootWithToe])),
    ("one more alternative", field(Annotated[Left | Right, Field(discriminator="kind")]), field(Left)),
    ("dict of wider values", field(dict[str, float]), field(dict[str, int])),
    ("dict for an object", field(dict[str, str]), field(FootWithToe)),
    ("a list of types", {"type": ["string", "null"]}, {"type": "string"}),
    ("longer list", limited(list[int], max_length=5), limited(list[int], max_length=4)),
    ("tuple for list", field(list[int]), field(tuple[int, int])),
    ("a definition that holds itself", of(Branch), of(LongBranch)),
    ("a definition that holds itself, with more", of(Branch), of(Numbered)),
]


@pytest.mark.parametrize(("reader", "writer"), [case[1:] for case in READ], ids=[case[0] for case in READ])
def test_is_read(reader: Schema, writer: Schema) -> None:
    assert breaches(reader, writer) == []


TAGGED = Annotated[Left | Right, Field(discriminator="kind")]
NOT_READ = [
    ("required", field(int), field(int, default=1), "/x", "required"),
    ("required, nested", field(list[FootWithToe]), field(list[Foot]), "/x/*/toe", "required"),
    ("type", field(int), field(str), "/x", "type"),
    ("type narrowed", field(int), field(float), "/x", "type"),
    (
        "type of a definition",
        of(Foot),
        {"properties": {"side": {"type": "integer"}}, "required": ["side"]},
        "/",
        "type",
    ),
    ("anything written", field(int), field(Any), "/x", "type"),
    ("null", field(int), field(int | None), "/x", "type"),
    ("null in a union", field(int | str), field(int | str | None), "/x", "type"),
    ("lowest", limited(int, ge=1), limited(int, ge=0), "/x", "limit"),
    ("lowest excluded", limited(float, gt=0), limited(float, ge=0), "/x", "limit"),
    ("highest", limited(int, le=1), limited(int, le=2), "/x", "limit"),
    ("highest excluded", limited(float, lt=1), limited(float, le=1), "/x", "limit"),
    ("no range", limited(int, le=1), field(int), "/x", "limit"),
    ("shortest", limited(str, min_length=2), limited(str, min_length=1), "/x", "limit"),
    ("longest", limited(str, max_length=2), limited(str, max_length=3), "/x", "limit"),
    ("pattern", limited(str, pattern="^a$"), limited(str, pattern="^b$"), "/x", "limit"),
    ("format", {"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}, "/", "limit"),
    ("multiple", limited(int, multiple_of=2), limited(int, multiple_of=3), "/x", "limit"),
    ("fewest items", limited(list[int], min_length=1), field(list[int]), "/x", "limit"),
    ("most items", limited(list[int], max_length=1), field(list[int]), "/x", "limit"),
    ("fewest names", limited(dict[str, int], min_length=1), field(dict[str, int]), "/x", "limit"),
    ("most names", limited(dict[str, int], max_length=1), field(dict[str, int]), "/x", "limit"),
    ("unique items", field(set[int]), field(list[int]), "/x", "unjudged"),
    ("value", field(Literal["a"]), field(Literal["a", "b"]), "/x", "choice"),
    ("values of text", field(Literal["a", "b"]), field(str), "/x", "choice"),
    ("true is not 1", field(Literal[1, 2]), field(Literal[True]), "/x", "choice"),
    ("value too long", limited(str, max_length=1), field(Literal["a", "bc"]), "/x", "limit"),
    ("value without the pattern", limited(str, pattern="^a$"), field(Literal["a", "b"]), "/x", "limit"),
    ("value out of range", limited(int, ge=3), field(Literal[2, 3]), "/x", "limit"),
    ("value of another multiple", limited(int, multiple_of=2), field(Literal[2, 3]), "/x", "limit"),
    ("default", field(int, default=2), field(int, default=1), "/x", "default"),
    ("default instead of none", field(int | None, default=2), field(int | None, default=None), "/x", "default"),
    ("item", field(list[int]), field(list[str]), "/x/*", "type"),
    ("place of a tuple", field(tuple[int, str]), field(tuple[int, int]), "/x/1", "type"),
    ("list for a tuple", field(tuple[int, int]), field(list[int]), "/x", "limit"),
    ("rest of a tuple", {**of(list[int]), "prefixItems": [of(str)]}, of(list[str]), "/*", "type"),
    ("value of a dict", field(dict[str, int]), field(dict[str, str]), "/x/*", "type"),
    ("field of an object for a dict", field(dict[str, int]), field(Foot), "/x/side", "type"),
    ("dict for an object", of(Foot), field(dict[str, int])["properties"]["x"], "/side", "type"),
    ("dict names", field(dict[Literal["a"], int]), field(dict[str, int]), "/x/(name)", "choice"),
    ("dict names of an object", field(dict[Literal["a"], str]), field(Foot), "/x/(name)", "choice"),
    ("forbidden field", of(Closed), of(FootWithToe), "/toe", "unjudged"),
    ("another alternative", field(Left), field(Left | Right), "/x/kind", "choice"),
    ("another tag", field(Annotated[Left, Field()] | Foot), field(TAGGED), "/x/side", "required"),
    ("tag that the reader does not know", field(TAGGED), field(TAGGED | Closed), "/x/kind", "choice"),
    ("another known tag", field(TAGGED), field(Both), "/x/kind", "choice"),
    ("inside a tagged alternative", field(TAGGED), field(LeftWithText), "/x/toes", "type"),
    ("in a definition that holds itself", of(LongBranch), of(Branch), "/name", "limit"),
    ("required in a definition that holds itself", of(Numbered), of(Branch), "/number", "required"),
    ("list of types", {"type": "string"}, {"type": ["string", "null"]}, "/", "type"),
    ("a keyword that no rule knows", {"not": {"const": 1}}, _NO_KEYWORD, "/", "unjudged"),
    ("patterns of names", {"patternProperties": {"^a": {"type": "string"}}}, _NO_KEYWORD, "/", "unjudged"),
    ("names by pattern", of(dict[str, int]), {"type": "object", "patternProperties": {"^a": of(str)}}, "/*", "type"),
    ("alternatives without a tag", {"oneOf": [of(int), of(float)]}, of(int), "/", "unjudged"),
]


@pytest.mark.parametrize(
    ("reader", "writer", "path", "kind"), [case[1:] for case in NOT_READ], ids=[case[0] for case in NOT_READ]
)
def test_is_not_read(reader: Schema, writer: Schema, path: str, kind: str) -> None:
    assert (path, kind) in [(breach.path, breach.kind) for breach in breaches(reader, writer)]


def test_a_mistake_is_named_once_and_only_where_it_is() -> None:
    reader = {"type": "object", "properties": {"x": of(int), "y": of(str)}, "required": ["x", "y"]}
    writer = {"type": "object", "properties": {"x": of(str | None), "y": of(str)}, "required": ["x", "y"]}
    assert breaches(reader, writer) == [
        Breach("/x", "type", "the reader expects integer, and the writer writes null"),
        Breach("/x", "type", "the reader expects integer, and the writer writes string"),
    ]


def test_both_directions_are_told_with_what_mends_them() -> None:
    first = field(Literal["left", "right"])
    today = {
        "type": "object",
        "properties": {"x": of(Literal["left", "both"]), "y": of(int)},
        "required": ["x", "y"],
    }
    assert [str(one) for one in broken("clinic.foot.seen.v1", today, {1: first})] == [
        "clinic.foot.seen.v1 /x: today's reader can't read what revision 1 wrote ('right' may be written, and the "
        "reader knows 'left', 'both' only). Keep the old values, or declare version 2 of clinic.foot.seen.",
        "clinic.foot.seen.v1 /y: today's reader can't read what revision 1 wrote (the reader requires it, and the "
        "writer may leave it out). Make it optional (a default), or declare version 2 of clinic.foot.seen.",
        "clinic.foot.seen.v1 /x: a reader of revision 1 can't read what is written today ('both' may be written, and "
        "the reader knows 'left', 'right' only). Keep to the old values; put new ones into a new optional field, or "
        "declare version 2 of clinic.foot.seen.",
    ]


def test_it_is_transitive_a_field_that_left_may_not_come_back_as_something_else() -> None:
    with_text, without = field(str, default=""), {"type": "object", "properties": {}}
    as_number = field(int, default=0)
    assert broken("clinic.foot.seen.v1", without, {1: with_text}) == []
    assert broken("clinic.foot.seen.v1", as_number, {2: without}) == []
    found = broken("clinic.foot.seen.v1", as_number, {1: with_text, 2: without})
    assert {(one.revision, one.direction, one.breach.path) for one in found} == {
        (1, "backward", "/x"),
        (1, "forward", "/x"),
    }
