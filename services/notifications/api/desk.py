"""The alert inbox and the delivery list."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Query
from pydantic import BaseModel, Field

from services.notifications.api.bearers import Authorization, bearer_of
from services.notifications.domain.alerts import AcknowledgementGiven
from services.notifications.domain.state import DeliveryState, Severity
from services.notifications.store import lists
from shared.events.base import Code, Identifier
from shared.messaging.message import Message
from shared.messaging.service import Running
from shared.tokens import Bearer, Role, Tokens

_STAFF: tuple[Role, ...] = ("clinician", "front-desk", "operator")


def routes(running: Running, app: FastAPI, tokens: Tokens) -> None:
    """Add them."""
    desk = Desk(running, tokens)
    app.add_api_route("/alerts", desk.alerts)
    app.add_api_route("/alerts/{alert_id}", desk.alert)
    app.add_api_route("/alerts/{alert_id}/acknowledge", desk.acknowledge, methods=["POST"], status_code=202)
    app.add_api_route("/deliveries", desk.deliveries)


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


class Desk:
    """The routes, on the connected parts of the service."""

    def __init__(self, running: Running, tokens: Tokens) -> None:
        self._running = running
        self._tokens = tokens

    async def alerts(self, query: Annotated[_AlertQuery, Query()], authorization: Authorization = "") -> dict[str, Any]:
        """Alerts of the token's clinic, newest first."""
        bearer = bearer_of(self._tokens, authorization, *_STAFF)
        is_open = None if query.state is None else query.state == "open"
        wanted = _wanted(bearer, query, {"kind": query.kind, "severity": query.severity})
        async with self._running.door.work() as work:
            found = await lists.alerts(work.tx, wanted, is_open=is_open)
        return {"alerts": [_alert(entry) for entry in found], "next": _next(found, query)}

    async def alert(self, alert_id: Identifier, authorization: Authorization = "") -> dict[str, Any]:
        """One alert with its evidence."""
        return _alert(await self._find(bearer_of(self._tokens, authorization, *_STAFF), alert_id))

    async def acknowledge(self, alert_id: Identifier, authorization: Authorization = "") -> dict[str, Any]:
        """Take the alert. The first to do so has it; asking again changes nothing."""
        bearer = bearer_of(self._tokens, authorization, *_STAFF)
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
        bearer = bearer_of(self._tokens, authorization, "operator")
        wanted = _wanted(bearer, query, {"patient_id": query.patient_id, "state": query.state})
        async with self._running.door.work() as work:
            found = await lists.deliveries(work.tx, wanted)
        return {"deliveries": [_shown(entry) for entry in found], "next": _next(found, query)}

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
