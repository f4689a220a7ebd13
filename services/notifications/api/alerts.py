"""The alert inbox: find, take, hand on, put off, resolve. A change names what was seen by `If-Match`."""

from typing import Annotated, Any

from fastapi import FastAPI, Header, HTTPException, Query, Response
from pydantic import BaseModel, Field

from services.notifications.api.bearers import STAFF, Authorization, bearer_of
from services.notifications.api.paging import Page, next_page, shown
from services.notifications.domain.handling import (
    AcknowledgementGiven,
    AlertCommand,
    AssignmentGiven,
    ResolutionGiven,
    SnoozeGiven,
)
from services.notifications.domain.state import Resolution
from services.notifications.store import alert_lists
from services.notifications.store.alert_lists import AlertState
from shared.alerting import Severity
from shared.clinics import Clinic, load_clinics
from shared.events.base import Code, Identifier, Moment
from shared.messaging.message import Message
from shared.messaging.service import Running
from shared.tokens import Bearer, Tokens

IfMatch = Annotated[str, Header(alias="If-Match")]
_SOURCE = "/stride/notifications/alerts"


def routes(running: Running, app: FastAPI, tokens: Tokens) -> None:
    """Add them."""
    inbox = AlertInbox(running, tokens)
    app.add_api_route("/alerts", inbox.listed)
    app.add_api_route("/alerts/{alert_id}", inbox.one)
    for verb in (inbox.acknowledge, inbox.assign, inbox.snooze, inbox.resolve):
        app.add_api_route(f"/alerts/{{alert_id}}/{verb.__name__}", verb, methods=["POST"], status_code=202)


class _Wanted(Page):
    state: AlertState | None = None
    kind: Code | None = None
    severity: Severity | None = None
    owner: Identifier | None = None
    patient_id: Identifier | None = None
    plan_id: Identifier | None = None
    q: Annotated[str, Field(max_length=100)] | None = None
    """Words of the title or the kind, or an id."""


class _Assignment(BaseModel):
    owner: Identifier
    """A member of the clinic's staff, by id."""


class _Snooze(BaseModel):
    until: Moment


class _Resolution(BaseModel):
    resolution: Resolution = "done"


class AlertInbox:
    """The routes, on the connected parts of the service."""

    def __init__(self, running: Running, tokens: Tokens) -> None:
        self._running, self._tokens = running, tokens
        self._clinics = load_clinics(running.settings.stride_clinics)

    async def listed(self, query: Annotated[_Wanted, Query()], authorization: Authorization = "") -> dict[str, Any]:
        """Alerts of the token's clinic, newest first, without their evidence."""
        bearer = bearer_of(self._tokens, authorization, *STAFF)
        wanted = query.equal("kind", "severity", "owner", "patient_id", "plan_id", clinic_id=bearer.clinic_id)
        async with self._running.door.work() as work:
            found = await alert_lists.alerts(work.tx, wanted, state=query.state, words=query.q)
        return {"alerts": [shown(entry) for entry in found], "next": next_page(found, query)}

    async def one(self, alert_id: Identifier, response: Response, authorization: Authorization = "") -> dict[str, Any]:
        """One alert with its evidence."""
        return _tagged(response, await self._find(bearer_of(self._tokens, authorization, *STAFF), alert_id))

    async def acknowledge(
        self, alert_id: Identifier, response: Response, authorization: Authorization = "", if_match: IfMatch = ""
    ) -> dict[str, Any]:
        """Take the alert. The first to do so has it; asking again changes nothing."""
        bearer = bearer_of(self._tokens, authorization, *STAFF)
        return await self._do(AcknowledgementGiven, bearer, alert_id, response, if_match)

    async def assign(
        self, alert_id: Identifier, given: _Assignment, response: Response,
        authorization: Authorization = "", if_match: IfMatch = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Hand the alert to a member of staff, who gets a message of it."""
        bearer = bearer_of(self._tokens, authorization, *STAFF)
        if given.owner not in _staff(self._clinics.get(bearer.clinic_id)):
            raise HTTPException(422, "The clinic's file has no such member of staff.")
        return await self._do(AssignmentGiven, bearer, alert_id, response, if_match, owner=given.owner)

    async def snooze(
        self, alert_id: Identifier, given: _Snooze, response: Response,
        authorization: Authorization = "", if_match: IfMatch = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Put the alert off, 14 days at most; not a critical one."""
        bearer = bearer_of(self._tokens, authorization, *STAFF)
        return await self._do(SnoozeGiven, bearer, alert_id, response, if_match, until=given.until)

    async def resolve(
        self, alert_id: Identifier, given: _Resolution, response: Response,
        authorization: Authorization = "", if_match: IfMatch = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Say that it is dealt with."""
        bearer = bearer_of(self._tokens, authorization, *STAFF)
        return await self._do(ResolutionGiven, bearer, alert_id, response, if_match, resolution=given.resolution)

    async def _do(
        self, kind: type[AlertCommand], bearer: Bearer, alert_id: str, response: Response, if_match: str, **more: Any
    ) -> dict[str, Any]:
        """Hand the command through the door; asked again, it gives the alert as it stands."""
        found = await self._find(bearer, alert_id)
        if if_match.removeprefix("W/") not in {"", "*", _tag(found)}:
            raise HTTPException(412)
        whose = {"clinic_id": bearer.clinic_id, "patient_id": found["patient_id"], "alert_id": alert_id}
        given = kind.model_validate({**whose, "given_by": bearer.system, "revision": found["revision"], **more})
        (outcome,) = await self._running.door.admit([Message(given.event_id, _SOURCE, given)])
        if outcome.state == "refused":
            raise HTTPException(409, f"{outcome.reason}. {outcome.remedy}")
        return _tagged(response, await self._find(bearer, alert_id))

    async def _find(self, bearer: Bearer, alert_id: str) -> alert_lists.Entry:
        async with self._running.door.work() as work:
            found = await alert_lists.alert(work.tx, bearer.clinic_id, alert_id)
        if found is None:
            raise HTTPException(404)
        return found


def _staff(clinic: Clinic | None) -> set[str]:
    return {member.id for member in clinic.staff} if clinic else set()


def _tag(entry: alert_lists.Entry) -> str:
    return f'"{entry["revision"]}"'


def _tagged(response: Response, entry: alert_lists.Entry) -> dict[str, Any]:
    response.headers["ETag"] = _tag(entry)
    return shown(entry)
