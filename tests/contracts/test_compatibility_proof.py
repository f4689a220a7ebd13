"""The judge against an independent opinion: what it calls compatible, jsonschema accepts, instance by instance."""

import os
from typing import Any

import jsonschema
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from stride.contracts.compatibility import breaches
from tests.contracts.schema_strategies import SCHEMAS, Schema, changed, closed, instances

_settings = settings(
    max_examples=int(os.environ.get("PROOF", "100")),
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


def valid(instance: Any, schema: Schema) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(instance)


@_settings
@given(st.data())
def test_every_instance_of_a_compatible_writer_is_valid_for_the_reader(data: st.DataObject) -> None:
    writer = data.draw(SCHEMAS, "writer")
    reader = data.draw(changed(writer), "reader")
    assume(reader != writer and not breaches(reader, writer))
    for _ in range(3):
        instance = data.draw(instances(writer), "instance")
        if valid(instance, closed(writer)):
            assert valid(instance, reader)


@_settings
@given(SCHEMAS)
def test_a_schema_is_compatible_with_itself(schema: Schema) -> None:
    assert breaches(schema, schema) == []


@_settings
@given(st.data())
def test_an_instance_that_the_reader_can_not_read_is_always_foreseen(data: st.DataObject) -> None:
    """The same from the other end: start from a rejected instance, and the judge must have said so."""
    writer = data.draw(SCHEMAS, "writer")
    reader = data.draw(changed(writer), "reader")
    instance = data.draw(instances(writer), "instance")
    assume(valid(instance, closed(writer)) and not valid(instance, reader))
    assert breaches(reader, writer) != []
