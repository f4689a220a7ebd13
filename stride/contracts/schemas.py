"""One JSON Schema (2020-12) per event version, as it travels on the wire."""

import json
from typing import Any

from shared.events import EVENTS
from shared.events.base import Fact


def schema(fact: type[Fact]) -> dict[str, Any]:
    """The JSON Schema of `fact`."""
    body = fact.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:stride:schema:{fact.wire_type()}",
        **body,
        "title": fact.wire_type(),
    }


def documents() -> dict[str, str]:
    """All schemas as `schemas/<wire type>.json`."""
    return {
        f"schemas/{wire_type}.json": json.dumps(schema(fact), indent=2, ensure_ascii=False) + "\n"
        for wire_type, fact in sorted(EVENTS.items())
    }
