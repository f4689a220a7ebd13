"""The AsyncAPI 3 document of all topics: who sends, who receives, headers, key, payload."""

import json
from collections.abc import Mapping
from typing import Any, Final

from shared.events import EVENTS
from shared.events.base import Fact
from shared.flow import COMPACTED, FLOW, INBOUND_TOPIC, STAFF_TOPIC

_HEADERS: dict[str, str] = {
    "ce_specversion": "CloudEvents version, always 1.0",
    "ce_id": "id of the event; with ce_source it tells repeats",
    "ce_type": "clinic.<topic>.v<version>",
    "ce_source": "the service that published it",
    "ce_subject": "id of what the fact is about",
    "ce_time": "when it was published, RFC 3339",
    "ce_dataschema": "$id of the JSON Schema",
    "ce_partitionkey": "the record key, <clinic_id>/<patient_id>",
    "ce_correlationid": "id of the event that came in from outside and led to this one",
    "ce_causationid": "id of the event that directly led to this one",
    "content-type": "application/json",
}


SCHEMA_FORMAT: Final = "application/schema+json;version=2020-12"
"""What Pydantic generates."""


def document(revisions: Mapping[str, int]) -> str:
    """The document as JSON; payloads refer to the revision of each event that is written today."""
    content: dict[str, Any] = {
        "asyncapi": "3.1.0",
        "info": {
            "title": "Stride",
            "version": "1.0.0",
            "description": "Facts of a clinic's courses of treatment. CloudEvents 1.0, Kafka protocol binding, "
            "binary mode. One topic per fact, keyed by clinic and patient; across topics nothing is ordered.",
        },
        "defaultContentType": "application/json",
        "channels": {fact.NAME: _channel(fact) for fact in EVENTS.values()}
        | {INBOUND_TOPIC: _inbound_channel(), STAFF_TOPIC: _staff_channel()},
        "operations": _operations(),
        "components": {
            "messages": {name: _message(fact, revisions[name]) for name, fact in EVENTS.items()},
            "messageTraits": {"cloudevent": {"headers": _header_schema()}},
        },
    }
    return json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _channel(fact: type[Fact]) -> dict[str, Any]:
    return {
        "address": fact.NAME,
        "description": _first_line(fact),
        "messages": {fact.wire_type(): {"$ref": f"#/components/messages/{fact.wire_type()}"}},
        "bindings": {"kafka": {"topic": fact.NAME, "topicConfiguration": _configuration(fact)}},
    }


def _inbound_channel() -> dict[str, Any]:
    accepted = {fact.wire_type() for service in FLOW.values() for fact in service.accepts}
    return {
        "address": INBOUND_TOPIC,
        "description": "What clinic systems hand in by Kafka: the CloudEvents that POST /events takes, binary or "
        "structured, with a header `authorization: Bearer <token>` that names the clinic.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in sorted(accepted)},
    }


def _staff_channel() -> dict[str, Any]:
    handed_in = {fact.wire_type() for service in FLOW.values() for fact in service.hands_in}
    return {
        "address": STAFF_TOPIC,
        "description": "What people ask for in the console, on its way to intake, which checks and publishes it. "
        "Nobody else may write here.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in sorted(handed_in)},
    }


def _configuration(fact: type[Fact]) -> dict[str, Any]:
    if fact.NAME in COMPACTED:
        return {"cleanup.policy": ["compact"]}
    return {"cleanup.policy": ["delete"], "retention.ms": -1}


def _message(fact: type[Fact], revision: int) -> dict[str, Any]:
    return {
        "name": fact.wire_type(),
        "title": fact.wire_type(),
        "summary": _first_line(fact),
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/cloudevent"}],
        "payload": {
            "schemaFormat": SCHEMA_FORMAT,
            "schema": {"$ref": f"./schemas/{fact.wire_type()}/{revision}.json"},
        },
        "bindings": {"kafka": {"key": {"type": "string", "description": "<clinic_id>/<patient_id>"}}},
    }


def _header_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: {"type": "string", "description": text} for name, text in _HEADERS.items()},
        "required": ["ce_specversion", "ce_id", "ce_type", "ce_source"],
    }


def _operations() -> dict[str, Any]:
    operations: dict[str, Any] = {}
    for name, service in FLOW.items():
        for fact in service.publishes:
            operations[f"{name}.send.{fact.NAME}"] = _operation("send", fact.NAME, name)
        for fact in service.consumes:
            operations[f"{name}.receive.{fact.NAME}"] = _operation("receive", fact.NAME, name)
        if service.accepts:
            for topic in (INBOUND_TOPIC, STAFF_TOPIC):
                operations[f"{name}.receive.{topic}"] = _operation("receive", topic, name)
        if service.hands_in:
            operations[f"{name}.send.{STAFF_TOPIC}"] = _operation("send", STAFF_TOPIC, name)
    return operations


def _operation(action: str, topic: str, service: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic}"},
        "summary": f"{service} {'publishes' if action == 'send' else 'consumes'} {topic}",
        "tags": [{"name": service}],
    }


def _first_line(fact: type[Fact]) -> str:
    return (fact.__doc__ or "").strip().splitlines()[0]
