"""What was written once stays readable: each published revision of each event has a golden example, for ever."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from shared.events import EVENTS
from shared.messaging import wire
from shared.settings import ROOT
from stride.contracts import schemas

GOLDEN = Path(__file__).parent / "golden"
PUBLISHED = schemas.published(ROOT)
REVISIONS = [(wire_type, number) for wire_type, revisions in PUBLISHED.items() for number in revisions]
_UNKNOWN = {"added_in_a_later_release": {"x": [1, None]}}


def example(wire_type: str, number: int) -> dict[str, Any]:
    return json.loads((GOLDEN / wire_type / f"{number}.json").read_text(encoding="utf-8"))


def read_and_written(wire_type: str, content: dict[str, Any]) -> dict[str, Any]:
    """What today's service makes of it."""
    fact = wire.read_fact(EVENTS[wire_type], json.dumps(content).encode())
    return json.loads(fact.document)


def with_unknown(content: Any) -> Any:
    """The same with a field that nobody knows in every object, however deep."""
    if isinstance(content, list):
        return [with_unknown(item) for item in content]
    if isinstance(content, dict):
        return {name: with_unknown(value) for name, value in content.items()} | _UNKNOWN
    return content


def objects_in(content: Any) -> Iterator[dict[str, Any]]:
    if isinstance(content, dict):
        yield content
    for inner in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        yield from objects_in(inner)


def schema_accepts(wire_type: str, number: int, content: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(PUBLISHED[wire_type][number]).validate(content)


def test_every_published_revision_has_an_example_and_no_example_is_an_orphan() -> None:
    found = {(path.parent.name, int(path.stem)) for path in GOLDEN.glob("*/*.json")}
    assert found == set(REVISIONS)
    assert set(PUBLISHED) == set(EVENTS)


@pytest.mark.parametrize("wire_type", sorted(EVENTS))
def test_the_newest_example_is_read_and_written_again_without_loss(wire_type: str) -> None:
    golden = example(wire_type, len(PUBLISHED[wire_type]))
    assert read_and_written(wire_type, golden) == golden


@pytest.mark.parametrize(("wire_type", "number"), REVISIONS)
def test_todays_reader_reads_every_example_and_every_older_reader_reads_what_is_written_today(
    wire_type: str, number: int
) -> None:
    written = read_and_written(wire_type, example(wire_type, number))
    for revision in PUBLISHED[wire_type]:
        schema_accepts(wire_type, revision, example(wire_type, number))
        schema_accepts(wire_type, revision, written)


@pytest.mark.parametrize(("wire_type", "number"), REVISIONS)
def test_fields_of_a_newer_writer_are_ignored_however_deep(wire_type: str, number: int) -> None:
    golden = example(wire_type, number)
    newer = with_unknown(golden)
    assert read_and_written(wire_type, newer) == read_and_written(wire_type, golden)
    for revision in PUBLISHED[wire_type]:
        schema_accepts(wire_type, revision, newer)


def test_examples_go_deep_enough_to_say_so() -> None:
    """Every definition of a schema that is an object occurs in its example, so that nesting is tried."""
    for wire_type, number in REVISIONS:
        parts = sum(part.get("type") == "object" for part in PUBLISHED[wire_type][number].get("$defs", {}).values())
        assert sum(1 for _ in objects_in(example(wire_type, number))) >= 1 + parts, wire_type
