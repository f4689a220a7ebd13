"""What was written once stays readable: every version of every event has a golden example."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from shared.events import EVENTS
from shared.messaging import wire
from stride.contracts.schemas import schema

GOLDEN = Path(__file__).parent / "golden"


def example(wire_type: str) -> dict[str, Any]:
    return json.loads((GOLDEN / f"{wire_type}.json").read_text(encoding="utf-8"))


def test_every_event_version_has_an_example_and_no_example_is_an_orphan() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(EVENTS)


@pytest.mark.parametrize("wire_type", sorted(EVENTS))
def test_an_example_is_read_and_written_again_without_loss(wire_type: str) -> None:
    golden = example(wire_type)
    fact = wire.read_fact(EVENTS[wire_type], json.dumps(golden).encode())
    assert json.loads(wire.encode_fact(fact)) == golden


@pytest.mark.parametrize("wire_type", sorted(EVENTS))
def test_fields_of_a_newer_writer_are_ignored(wire_type: str) -> None:
    newer = example(wire_type) | {"added_in_a_later_release": {"x": 1}}
    fact = wire.read_fact(EVENTS[wire_type], json.dumps(newer).encode())
    assert json.loads(wire.encode_fact(fact)) == example(wire_type)


@pytest.mark.parametrize("wire_type", sorted(EVENTS))
def test_an_example_satisfies_the_published_schema(wire_type: str) -> None:
    jsonschema.Draft202012Validator(schema(EVENTS[wire_type])).validate(example(wire_type))
