"""CloudEvents 1.0 from outside, over HTTP or Kafka: attributes and data become a message for the door."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import ValidationError

from services.intake.api.bodies import NotStrictJson, parse_json
from services.intake.api.problems import Mistake, Rejected, mistakes_of
from shared.events import EVENTS
from shared.events.base import Fact
from shared.flow import FLOW
from shared.messaging.message import Message
from shared.tokens import Bearer

ACCEPTED = {fact.wire_type(): fact for fact in FLOW["intake"].accepts}
_TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,256}")
_REQUIRED = ("id", "source", "type", "specversion")


def structured(event: Any, bearer: Bearer) -> Message:
    """The event in a JSON object of `application/cloudevents+json`.

    Raises:
        Rejected: 422; pointers are relative to the object.
    """
    if not isinstance(event, dict):
        raise Rejected(422, "invalid-event", Mistake("An event is a JSON object."))
    content: dict[str, Any] = event
    data_type = content.get("datacontenttype", "application/json")
    if not (isinstance(data_type, str) and is_json(data_type)):
        raise Rejected(422, "invalid-event", Mistake("Data are read as JSON only.", "/datacontenttype"))
    data, pointer = content.get("data"), "/data"
    if "data_base64" in content:
        data, pointer = _unpacked(content["data_base64"]), "/data_base64"
    return to_message(content, data, bearer, at="/", data_at=pointer)


def to_message(attributes: Mapping[str, Any], data: Any, bearer: Bearer, *, at: str, data_at: str) -> Message:
    """The message of an event whose attributes and data are at hand.

    `at` and `data_at` are where the sender finds them. The clinic is the token's.

    Raises:
        Rejected: 422 with every mistake.
    """
    mistakes = [mistake for name in _REQUIRED for mistake in _attribute_mistakes(attributes, name, at)]
    if mistakes:
        raise Rejected(422, "invalid-event", *mistakes)
    fact_type = _accepted(attributes["type"], at)
    fact = _read_fact(fact_type, data, bearer, data_at)
    correlation = attributes.get("correlationid")
    own_id: str = attributes["id"]
    return Message(
        event_id=own_id,
        source=f"{bearer.clinic_id}|{attributes['source']}",
        fact=fact,
        correlation_id=str(correlation) if _is_text(correlation) else own_id,
    )


def is_json(media_type: str) -> bool:
    """Whether a content type means JSON (RFC 6839 suffix included)."""
    kind = media_type.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and _TEXT.fullmatch(value) is not None


def _attribute_mistakes(attributes: Mapping[str, Any], name: str, at: str) -> list[Mistake]:
    if name not in attributes:
        return [Mistake(f"The attribute {name} is missing.", at + name, "CloudEvents 1.0 requires it.")]
    if not _is_text(attributes[name]):
        remedy = "Send 1 to 256 characters without control characters."
        return [Mistake(f"The attribute {name} is not a usable text.", at + name, remedy)]
    if name == "specversion" and attributes[name] != "1.0":
        return [Mistake("Only CloudEvents 1.0 are read.", at + name, "Send specversion 1.0.")]
    return []


def _accepted(wire_type: str, at: str) -> type[Fact]:
    if wire_type in ACCEPTED:
        return ACCEPTED[wire_type]
    detail = "Stride makes this event itself." if wire_type in EVENTS else "Stride does not know this type."
    raise Rejected(422, "unknown-type", Mistake(detail, at + "type", f"Taken here: {', '.join(sorted(ACCEPTED))}."))


def _read_fact(fact_type: type[Fact], data: Any, bearer: Bearer, at: str) -> Fact:
    if not isinstance(data, dict):
        raise Rejected(422, "invalid-data", Mistake("The data are not a JSON object.", at))
    content: dict[str, Any] = data
    if content.get("clinic_id", bearer.clinic_id) != bearer.clinic_id:
        remedy = "Leave clinic_id out: the clinic is the token's."
        raise Rejected(422, "invalid-data", Mistake("The data name another clinic.", f"{at}/clinic_id", remedy))
    try:
        return fact_type.model_validate_json(orjson.dumps(content | {"clinic_id": bearer.clinic_id}))
    except ValidationError as error:
        raise Rejected(422, "invalid-data", *mistakes_of(error, at)) from None


def _unpacked(value: Any) -> Any:
    try:
        return parse_json(base64.b64decode(value, validate=True))
    except (TypeError, ValueError, binascii.Error, NotStrictJson):
        mistake = Mistake("Not JSON in base64.", "/data_base64", "Send JSON data as `data`.")
        raise Rejected(422, "invalid-data", mistake) from None
