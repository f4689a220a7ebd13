"""The inbound Kafka topic takes the same CloudEvents as `POST /events`, structured or binary."""

from typing import Any

from services.intake.api.bodies import NotStrictJson, parse_json
from services.intake.api.cloudevents import is_json, structured, to_message
from services.intake.api.problems import Rejected
from services.intake.api.roles import check_role
from shared.messaging import wire
from shared.messaging.consumer import Decoder
from shared.messaging.errors import Unreadable
from shared.messaging.message import Message, RawRecord
from shared.tokens import Bearer, NotAllowed, NotAuthenticated, Tokens

_LARGEST = 1_048_576


def inbound_decoder(tokens: Tokens) -> Decoder:
    """A decoder that tells the clinic from the record's `authorization` header."""

    def decode(record: RawRecord) -> Message:
        headers = {name.lower(): value for name, value in wire.read_headers(record).items()}
        try:
            bearer = tokens.bearer(headers.get("authorization", ""), "clinic-system", "clinician")
            message = _message(record, headers, bearer)
            check_role(bearer, message.fact)
        except NotAuthenticated:
            raise Unreadable("not-authenticated", "The header authorization holds no token that we issued.") from None
        except NotAllowed:
            raise Unreadable("not-allowed", "The token's role may not send this event.") from None
        except NotStrictJson as error:
            raise Unreadable("bad-value", str(error)) from None
        except Rejected as rejected:
            raise Unreadable(rejected.kind, _reason(rejected)) from None
        return message._replace(position=record.position, record=record)

    return decode


def _message(record: RawRecord, headers: dict[str, str], bearer: Bearer) -> Message:
    if len(record.value or b"") > _LARGEST:
        raise Unreadable("too-large", f"More than {_LARGEST} bytes.")
    content: Any = parse_json(record.value or b"")
    content_type = headers.get("content-type", wire.JSON_TYPE)
    if content_type.partition(";")[0].strip().lower() == wire.STRUCTURED_TYPE:
        return structured(content, bearer)
    if not is_json(content_type):
        raise Unreadable("bad-content-type", "The header content-type is not JSON.")
    attributes = {name.removeprefix("ce_"): value for name, value in headers.items() if name.startswith("ce_")}
    return to_message(attributes, content, bearer, at="/ce_", data_at="")


def _reason(rejected: Rejected) -> str:
    return " ".join(f"{mistake.pointer}: {mistake.detail}" for mistake in rejected.mistakes[:5])
