"""What a reader expects beside what a writer writes, at one place of an event."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Schema = Mapping[str, Any]
Kind = Literal["required", "type", "choice", "limit", "undeclared", "default", "unjudged"]

ANYTHING: Schema = {}
NOTHING: Schema = {"not": {}}


@dataclass(frozen=True, slots=True, order=True)
class Breach:
    """A place where the reader can't read what the writer may write. `what` names fields, types, limits."""

    path: str
    kind: Kind
    what: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One place: both schemas, the documents that their references point into, and the way here."""

    reader: Schema
    writer: Schema
    reader_document: Schema
    writer_document: Schema
    path: str = ""
    passed: frozenset[tuple[str, str]] = frozenset()
    """The pairs of references on the way here: a definition that holds itself is judged once."""

    def at(self, step: str, reader: Any, writer: Any) -> "Pair":
        """The pair one step further down: a field's name, or `*` for what has no name."""
        path = f"{self.path}/{step}" if step else self.path
        return replace(self, reader=as_schema(reader), writer=as_schema(writer), path=path)

    def breach(self, kind: Kind, what: str, field: str = "") -> Breach:
        """A breach here, or at a field of what is here."""
        return Breach(f"{self.path}/{field}" if field else self.path or "/", kind, what)

    def resolved(self) -> "Pair | None":
        """With references followed; nothing if this pair of references is being judged already."""
        references = (self.reader.get("$ref", ""), self.writer.get("$ref", ""))
        if references in self.passed:
            return None
        return replace(
            self,
            reader=self.expected(self.reader),
            writer=followed(self.writer, self.writer_document),
            passed=self.passed | {references} if all(references) else self.passed,
        )

    def expected(self, schema: Schema) -> Schema:
        """A part of what the reader expects, with its reference followed."""
        return followed(schema, self.reader_document)


def as_schema(schema: Any) -> Schema:
    """`true` and `false` are schemas too."""
    if schema is True:
        return ANYTHING
    return NOTHING if schema is False else schema


def followed(schema: Schema, document: Schema) -> Schema:
    """The definition with what stands beside the reference.

    Raises:
        KeyError: the reference points nowhere.
    """
    while "$ref" in schema:
        found: Any = document
        for step in str(schema["$ref"]).removeprefix("#/").split("/"):
            found = found[step]
        schema = {**as_schema(found), **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema
