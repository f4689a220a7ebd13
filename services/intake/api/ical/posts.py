"""`PUT /calendars/{calendar_id}`: an iCalendar file becomes, or replaces, one of the clinic's calendars."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.intake.api.bodies import read_body
from services.intake.api.ical.reading import Content, read_calendar
from services.intake.api.ical.refusal import NotUsable
from services.intake.api.problems import Mistake, Rejected, mistakes_of
from services.intake.api.roles import bearer_of
from shared.clock import Clock
from shared.events.calendars import CalendarChanged
from shared.messaging.door import Door
from shared.messaging.message import Message
from shared.tokens import Bearer, Tokens

LIMIT = 1_048_576
_MEDIA_TYPE = "text/calendar"
_KINDS = ("practitioner", "room", "patient")


@dataclass(frozen=True, slots=True)
class Calendars:
    """The endpoint: durable before it says 202."""

    door: Door
    tokens: Tokens
    clock: Clock

    async def put(self, request: Request) -> Response:
        """Take a calendar. `?practitioner=`, `?room=` or `?patient=` says whose; the clinic's without."""
        bearer = bearer_of(request, self.tokens, "clinic-system", "front-desk", "clinician")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != _MEDIA_TYPE:
            remedy = f"Send it as {_MEDIA_TYPE}."
            raise Rejected(415, "unsupported-media-type", Mistake("That is no iCalendar file.", remedy=remedy))
        body = await read_body(request, LIMIT)
        try:
            content = await run_in_threadpool(read_calendar, body, self.clock.now())
        except NotUsable as why:
            raise Rejected(422, "unusable-calendar", Mistake(why.detail, remedy=why.remedy)) from None
        return await self._hand_in(self._fact(request, bearer, content))

    async def withdraw(self, request: Request) -> Response:
        """The calendar is no more."""
        bearer = bearer_of(request, self.tokens, "clinic-system", "front-desk", "clinician")
        return await self._hand_in(self._fact(request, bearer, Content(), withdrawn=True))

    async def _hand_in(self, fact: CalendarChanged) -> Response:
        (outcome,) = await self.door.admit([Message(fact.event_id, f"{fact.clinic_id}|calendars", fact)])
        if outcome.state == "refused":
            raise Rejected(422, "refused", Mistake(outcome.reason, outcome.pointer, outcome.remedy))
        status = "repeat" if outcome.state == "repeat" else "accepted"
        answer = {"calendar_id": fact.calendar_id, "revision": fact.revision, "status": status}
        return JSONResponse({**answer, "closed": len(fact.closed)}, status_code=202)

    def _fact(self, request: Request, bearer: Bearer, content: Content, *, withdrawn: bool = False) -> CalendarChanged:
        """Without `?revision=` what arrives last holds."""
        now = self.clock.now()
        asked = request.query_params
        about = [{"kind": kind, "id": asked[kind]} for kind in _KINDS if kind in asked]
        fields: dict[str, Any] = {
            "clinic_id": bearer.clinic_id,
            "calendar_id": request.path_params["calendar_id"],
            "revision": asked.get("revision", int(now.timestamp() * 1000)),
            "recorded_at": now,
            "about": about[0] if about else None,
            "closed": content.closed,
            "availability": content.availability,
            "withdrawn": withdrawn,
        }
        try:
            return CalendarChanged.model_validate(fields)
        except ValidationError as error:
            raise Rejected(422, "invalid-data", *mistakes_of(error)) from None
