"""The alert inbox and the delivery list over HTTP. The clinic comes from the token, never from the request."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Header, HTTPException, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from services.notifications.domain.alerts import AcknowledgementGiven
from services.notifications.domain.state import DeliveryState, Severity
from services.notifications.store import lists
from shared.events.base import Code, Identifier
from shared.messaging.errors import Unavailable
from shared.messaging.message import Message
from shared.messaging.service import Running
from shared.tokens import Bearer, NotAllowed, NotAuthenticated, Role, Tokens

_STAFF: tuple[Role, ...] = ("clinician", "front-desk", "operator")
Authorization = Annotated[str, Header()]
_TITLES = {
    401: ("No valid token.", "Send the header `Authorization: Bearer <token>`."),
    403: ("This token may not do that.", "Use a token with the right role."),
    404: ("There is no such alert.", "List the alerts: GET /alerts."),
    422: ("The request is not right.", "See `errors`."),
    503: ("The database can't be used right now.", "Nothing was changed: try again."),
}


def edge(running: Running, app: FastAPI) -> None:
    """Add the routes."""
    desk = _Desk(running, Tokens.load(running.settings.stride_tokens))
    app.add_api_route("/alerts", desk.alerts)
    app.add_api_route("/alerts/{alert_id}", desk.alert)
    app.add_api_route("/alerts/{alert_id}/acknowledge", desk.acknowledge, methods=["POST"], status_code=202)
    app.add_api_route("/deliveries", desk.deliveries)
    app.add_exception_handler(HTTPException, _problem)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(Unavailable, _unavailable)


class _Page(BaseModel):
    """Which page: `after` is the `next` of the page before."""

    limit: int = Field(default=100, ge=1, le=500)
    after: int = Field(default=0, ge=0, le=2**62)


class _AlertQuery(_Page):
    state: Literal["open", "acknowledged"] | None = None
    kind: Code | None = None
    severity: Severity | None = None


class _DeliveryQuery(_Page):
    patient_id: Identifier | None = None
    state: DeliveryState | None = None


class _Desk:
    """The routes, on the connected parts of the service."""

    def __init__(self, running: Running, tokens: Tokens) -> None:
        self._running = running
        self._tokens = tokens

    async def alerts(self, query: Annotated[_AlertQuery, Query()], authorization: Authorization = "") -> dict[str, Any]:
        """Alerts of the token's clinic, newest first."""
        bearer = self._bearer(authorization, *_STAFF)
        is_open = None if query.state is None else query.state == "open"
        wanted = _wanted(bearer, query, {"kind": query.kind, "severity": query.severity})
        async with self._running.door.work() as work:
            found = await lists.alerts(work.tx, wanted, is_open=is_open)
        return {"alerts": [_alert(entry) for entry in found], "next": _next(found, query)}

    async def alert(self, alert_id: Identifier, authorization: Authorization = "") -> dict[str, Any]:
        """One alert with its evidence."""
        return _alert(await self._find(self._bearer(authorization, *_STAFF), alert_id))

    async def acknowledge(self, alert_id: Identifier, authorization: Authorization = "") -> dict[str, Any]:
        """Take the alert. The first to do so has it; asking again changes nothing."""
        bearer = self._bearer(authorization, *_STAFF)
        found = await self._find(bearer, alert_id)
        given = AcknowledgementGiven(
            clinic_id=bearer.clinic_id, patient_id=found["patient_id"], alert_id=alert_id, given_by=bearer.system
        )
        await self._running.door.admit([Message(given.event_id, "/stride/notifications/alerts", given)])
        return _alert(await self._find(bearer, alert_id))

    async def deliveries(
        self, query: Annotated[_DeliveryQuery, Query()], authorization: Authorization = ""
    ) -> dict[str, Any]:
        """Deliveries of the token's clinic, newest first: no addresses, no text."""
        bearer = self._bearer(authorization, "operator")
        wanted = _wanted(bearer, query, {"patient_id": query.patient_id, "state": query.state})
        async with self._running.door.work() as work:
            found = await lists.deliveries(work.tx, wanted)
        return {"deliveries": [_shown(entry) for entry in found], "next": _next(found, query)}

    def _bearer(self, authorization: str, *roles: Role) -> Bearer:
        try:
            return self._tokens.bearer(authorization, *roles)
        except NotAuthenticated:
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from None
        except NotAllowed:
            raise HTTPException(403) from None

    async def _find(self, bearer: Bearer, alert_id: str) -> lists.Entry:
        async with self._running.door.work() as work:
            found = await lists.alert(work.tx, bearer.clinic_id, alert_id)
        if found is None:
            raise HTTPException(404)
        return found


def _wanted(bearer: Bearer, query: _Page, equal: dict[str, str | None]) -> lists.Wanted:
    given = {name: value for name, value in equal.items() if value is not None}
    return lists.Wanted(bearer.clinic_id, given, query.after, query.limit)


def _alert(entry: lists.Entry) -> dict[str, Any]:
    return {**_shown(entry), "state": "open" if entry["acknowledged_at"] is None else "acknowledged"}


def _shown(entry: lists.Entry) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "position"}


def _next(found: Sequence[lists.Entry], query: _Page) -> int | None:
    return found[-1]["position"] if len(found) == query.limit else None


def _answer(status: int, **more: object) -> JSONResponse:
    """Problem details (RFC 9457)."""
    title, remedy = _TITLES.get(status, ("The request can't be served.", ""))
    content = {"type": "about:blank", "status": status, "title": title, "detail": remedy, **more}
    return JSONResponse(content, status, media_type="application/problem+json")


async def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    answer = _answer(error.status_code)
    answer.headers.update(error.headers or {})
    return answer


async def _malformed(_: Request, error: Exception) -> JSONResponse:
    """Says which part of the request is wrong, never what was in it."""
    assert isinstance(error, RequestValidationError)
    found = [{"pointer": "/" + "/".join(map(str, item["loc"])), "detail": item["msg"]} for item in error.errors()]
    return _answer(422, errors=found)


async def _unavailable(_: Request, __: Exception) -> JSONResponse:
    return _answer(503)
