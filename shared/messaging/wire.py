"""CloudEvents 1.0 on Kafka, binary mode: attributes in `ce_` headers, the fact as JSON in the value."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import orjson
from pydantic import ValidationError

from shared.events import EVENTS
from shared.events.base import ClinicFact, Fact
from shared.messaging.errors import Unreadable
from shared.messaging.message import Message, Newer, NewerFact, NewerOfClinic, RawRecord

SPEC_VERSION: Final = "1.0"
JSON_TYPE: Final = "application/json"
SECRET_HEADERS: Final = frozenset({"authorization"})
"""What says who sent a record; nobody keeps it. In lower case."""
STRUCTURED_TYPE: Final = "application/cloudevents+json"
_LONGEST_IDENTITY: Final = 256
_TYPE: Final = re.compile(r"clinic\.(?P<name>.+)\.v(?P<version>[1-9][0-9]{0,8})")


def encode_headers(
    fact: Fact, *, source: str, time: datetime, correlation_id: str, causation_id: str
) -> dict[str, str]:
    """The CloudEvents attributes of `fact` as Kafka headers."""
    return {
        "ce_specversion": SPEC_VERSION,
        "ce_id": fact.event_id,
        "ce_type": fact.wire_type(),
        "ce_source": f"/stride/{source}",
        "ce_subject": fact.subject,
        "ce_time": time.isoformat(),
        "ce_dataschema": f"urn:stride:schema:{fact.wire_type()}",
        "ce_partitionkey": fact.key,
        "ce_correlationid": correlation_id,
        "ce_causationid": causation_id,
        "content-type": JSON_TYPE,
    }


def decode(record: RawRecord) -> Message:
    """Read a record as one of our facts; a newer version of a known one becomes a `Newer`.

    Raises:
        Unreadable: headers, type or value are not what the contract says. The message names
            fields, never values.
    """
    headers = read_headers(record)
    wire_type = headers.get("ce_type", "")
    fact_type = known_type(wire_type)
    check_identity(headers.get("ce_id", ""), headers.get("ce_source", ""))
    value = record.value or b""
    fact = newer_fact(fact_type, wire_type, record) if issubclass(fact_type, Newer) else read_fact(fact_type, value)
    return Message(
        event_id=headers["ce_id"],
        source=headers.get("ce_source", ""),
        fact=fact,
        correlation_id=headers.get("ce_correlationid", ""),
        position=record.position,
        record=record,
    )


def check_identity(event_id: str, source: str) -> None:
    """Both are kept in the inbox, which takes no more than this.

    Raises:
        Unreadable: there is no id, or it or the source is too long or holds control characters.
    """
    if not event_id:
        raise Unreadable("no-id", "The header ce_id is missing.")
    if max(len(event_id), len(source)) > _LONGEST_IDENTITY or not (event_id + source).isprintable():
        raise Unreadable("bad-id", f"ce_id and ce_source have {_LONGEST_IDENTITY} printable characters at most.")


def read_headers(record: RawRecord) -> dict[str, str]:
    """The headers as text.

    Raises:
        Unreadable: a header is null or not UTF-8.
    """
    try:
        return {name: value.decode() for name, value in record.headers if value is not None}
    except UnicodeDecodeError:
        raise Unreadable("bad-header", "A header is not UTF-8.") from None


def known_type(wire_type: str) -> type[Fact]:
    """The class of a CloudEvents type; a `Newer` for a later version of one that is known.

    Raises:
        Unreadable: nobody declared a fact of that name.
    """
    fact_type = EVENTS.get(wire_type)
    if fact_type is not None:
        return fact_type
    newer = _newer_type(wire_type)
    if newer is not None:
        return newer
    raise Unreadable("unknown-type", "The CloudEvents type is missing or not one that Stride knows.")


def _newer_type(wire_type: str) -> type[Newer] | None:
    """What stands for a later version of a fact that this release knows: its sender was updated first."""
    asked = _TYPE.fullmatch(wire_type)
    known = [fact for fact in EVENTS.values() if asked and asked["name"] == fact.NAME]
    if not asked or not known or int(asked["version"]) <= max(fact.VERSION for fact in known):
        return None
    return NewerOfClinic if issubclass(known[0], ClinicFact) else NewerFact


def newer_fact(fact_type: type[Newer], wire_type: str, record: RawRecord) -> Newer:
    """What can be told of a fact of a newer version: whose it is, by the record key.

    Raises:
        Unreadable: there is no value, or the key does not say whose it is, so that nothing can wait behind it.
    """
    if not record.value:
        raise Unreadable("bad-value", f"Not a valid {wire_type}: body")
    clinic_id, _, patient_id = (record.key or b"").decode(errors="replace").partition("/")
    whose = {"clinic_id": clinic_id, "patient_id": patient_id}
    try:
        return fact_type.model_validate({**whose, "of_type": wire_type})
    except ValidationError:
        key = "<clinic_id>" if fact_type is NewerOfClinic else "<clinic_id>/<patient_id>"
        raise Unreadable("bad-key", f"The record key of a fact of a newer version is not {key}.") from None


def read_fact(fact_type: type[Fact], value: bytes) -> Fact:
    """The fact in `value`.

    Raises:
        Unreadable: the bytes are not valid JSON of that fact; says which fields are wrong.
    """
    try:
        return fact_type.model_validate_json(value)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, item["loc"])) or "body" for item in error.errors(include_input=False))
        raise Unreadable("bad-value", f"Not a valid {fact_type.wire_type()}: {fields}") from None


def without_secrets(headers: tuple[tuple[str, bytes | None], ...]) -> tuple[tuple[str, bytes | None], ...]:
    """The headers that may be kept where a record is laid aside."""
    return tuple(header for header in headers if header[0].lower() not in SECRET_HEADERS)


def pack_headers(headers: Mapping[str, str]) -> bytes:
    """Headers for the outbox."""
    return orjson.dumps(list(headers.items()))


def pack_raw_headers(headers: tuple[tuple[str, bytes | None], ...]) -> bytes:
    """Any headers for the outbox or the parking table; Latin-1 carries every byte unharmed."""
    return orjson.dumps([(name, None if value is None else value.decode("latin-1"), 1) for name, value in headers])


def unpack_headers(packed: bytes) -> list[tuple[str, bytes | None]]:
    """The headers as Kafka wants them, whichever way they were packed."""
    return [(entry[0], _unpack(entry)) for entry in orjson.loads(packed)]


def _unpack(entry: list[str | None]) -> bytes | None:
    value = entry[1]
    if value is None:
        return None
    return value.encode("latin-1") if len(entry) > 2 else value.encode()  # noqa: PLR2004
