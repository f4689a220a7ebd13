"""`POST /events`: CloudEvents over HTTP in binary, structured and batch mode."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.intake.api.bodies import NotStrictJson, parse_json, read_body
from services.intake.api.cloudevents import is_json, structured, to_message
from services.intake.api.problems import Mistake, Rejected
from services.intake.api.roles import bearer_of, check_role
from shared.messaging.gathering import Gathering
from shared.messaging.message import Message, Outcome
from shared.tokens import Bearer, NotAllowed, Tokens

LIMIT = 1_048_576
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
_BATCH_ITEMS = 1000
_SMALL = 131_072
"""Bytes that are parsed sooner than handed to a thread."""


@dataclass(frozen=True, slots=True)
class Events:
    """The endpoint: durable before it says 202."""

    door: Gathering
    tokens: Tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As an ASGI application."""
        response = await self.post(Request(scope, receive))
        await response(scope, receive, send)

    async def post(self, request: Request) -> Response:
        """Take one event, or a batch of them."""
        bearer = bearer_of(request, self.tokens, "clinic-system", "clinician")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in (STRUCTURED, BATCH) and not is_json(kind):
            remedy = f"Send application/json with ce- headers, {STRUCTURED} or {BATCH}."
            raise Rejected(415, "unsupported-media-type", Mistake("The content type is not JSON.", remedy=remedy))
        content = await _json(await read_body(request, LIMIT))
        if kind == BATCH:
            return await self._batch(content, bearer)
        if kind == STRUCTURED:
            return await self._single(structured(content, bearer), bearer, "/data")
        return await self._single(_binary(request, content, bearer), bearer, "")

    async def _single(self, message: Message, bearer: Bearer, data_at: str) -> Response:
        _check_role(bearer, message)
        (outcome,) = await self.door.admit([message])
        if outcome.state == "refused":
            raise _refused(outcome, data_at)
        return _response(_taken(message, outcome), 202)

    async def _batch(self, content: Any, bearer: Bearer) -> Response:
        """Each item gets its own answer, in order; those that are right are taken together."""
        if not isinstance(content, list):
            raise Rejected(400, "bad-body", Mistake("A batch is a JSON array of events."))
        items: list[Any] = content
        if len(items) > _BATCH_ITEMS:
            raise Rejected(
                413, "too-large", Mistake(f"More than {_BATCH_ITEMS} events.", remedy="Send several batches.")
            )
        read = [_item(item, number, bearer) for number, item in enumerate(items)]
        messages = [message for message in read if isinstance(message, Message)]
        outcomes = iter(await self.door.admit(messages) if messages else [])
        answers = [
            _answer(item, number, next(outcomes) if isinstance(item, Message) else None)
            for number, item in enumerate(read)
        ]
        refused = any(answer["status"] == "refused" for answer in answers)
        return _response(answers, 207 if refused else 202)


def _response(content: Any, status: int) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


async def _json(body: bytes) -> Any:
    try:
        return parse_json(body) if len(body) < _SMALL else await run_in_threadpool(parse_json, body)
    except NotStrictJson as error:
        raise Rejected(400, "bad-body", Mistake(str(error), remedy="Send strict JSON (RFC 8259, I-JSON).")) from None


def _binary(request: Request, data: Any, bearer: Bearer) -> Message:
    attributes = {
        name.removeprefix("ce-"): unquote(value) for name, value in request.headers.items() if name.startswith("ce-")
    }
    return to_message(attributes, data, bearer, at="/ce-", data_at="")


def _item(event: Any, number: int, bearer: Bearer) -> Message | Rejected:
    try:
        message = structured(event, bearer)
        _check_role(bearer, message)
    except Rejected as rejected:
        mistakes = (mistake.under(f"/{number}") for mistake in rejected.mistakes)
        return Rejected(rejected.status, rejected.kind, *mistakes)
    return message


def _answer(item: Message | Rejected, number: int, outcome: Outcome | None) -> dict[str, Any]:
    if isinstance(item, Rejected) or outcome is None:
        problem = item.as_json() if isinstance(item, Rejected) else {}
        return {"index": number, "status": "refused", "problem": problem}
    if outcome.state == "refused":
        problem = _refused(outcome, f"/{number}/data").as_json()
        return {"index": number, "id": item.event_id, "status": "refused", "problem": problem}
    return {"index": number, **_taken(item, outcome)}


def _taken(message: Message, outcome: Outcome) -> dict[str, str]:
    return {"id": message.event_id, "status": "repeat" if outcome.state == "repeat" else "accepted"}


def _refused(outcome: Outcome, data_at: str) -> Rejected:
    return Rejected(422, "refused", Mistake(outcome.reason, data_at + outcome.pointer, outcome.remedy))


def _check_role(bearer: Bearer, message: Message) -> None:
    try:
        check_role(bearer, message.fact)
    except NotAllowed:
        mistake = Mistake("Decisions and expected curves take a clinician's token.", "/type")
        raise Rejected(403, "not-allowed", mistake) from None
