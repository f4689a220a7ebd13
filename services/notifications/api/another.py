"""The page behind the link in the message about a missed appointment: another time, please."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.requests import Request
from starlette.responses import Response

from services.notifications.api.visits import Visit, Visits, form_of
from services.notifications.domain.rebooking import in_place_of
from services.notifications.letters.says import Says
from services.notifications.letters.values import moment, reader
from shared.events.base import Identifier
from shared.events.notifications import RebookingWished
from shared.ids import derived_id

_FARTHEST: Final = timedelta(days=92)


def routes(app: FastAPI, visits: Visits) -> None:
    """Add them."""
    page = Another(visits)
    app.add_api_route("/p/{token}/another/{appointment_id}", page.ask, response_class=HTMLResponse)
    app.add_api_route("/p/{token}/another/{appointment_id}", page.take, methods=["POST"], response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class Another:
    """The routes."""

    visits: Visits

    async def ask(self, token: str, appointment_id: Identifier, request: Request) -> Response:
        """What is booked instead, and from when on another time is wanted."""
        visit = await self.visits.open(token, request)
        return self._page(visit, appointment_id)

    async def take(self, token: str, appointment_id: Identifier, request: Request) -> Response:
        """The wish; the same wish twice is one."""
        visit = await self.visits.open(token, request)
        if appointment_id not in visit.patient.appointments:
            return self._page(visit, appointment_id)
        day = self._day(visit, (await form_of(request)).get("from", ""))
        if day is None:
            return self._page(visit, appointment_id, Says.NO_SUCH_DAY)
        wished = RebookingWished(
            **visit.whose,
            wish_id=derived_id("rebooking", visit.patient.key, appointment_id, day.isoformat()),
            appointment_id=appointment_id,
            plan_id=visit.patient.appointments[appointment_id].plan_id,
            not_before=datetime.combine(day, time(0), visit.clinic.zone_info),
            wished_at=self.visits.running.clock.now(),
        )
        door = self.visits.running.door
        await door.admit([door.own(wished)])
        return self.visits.notice(visit, Says.WISH_TAKEN, Says.YOU_WILL_HEAR)

    def _page(self, visit: Visit, appointment_id: str, problem: Says | None = None) -> Response:
        if appointment_id not in visit.patient.appointments:
            return self.visits.notice(visit, Says.NOT_RIGHT, Says.NO_SUCH_APPOINTMENT, status=404)
        booked = in_place_of(visit.patient, appointment_id, self.visits.running.clock.now())
        today, contact = self._today(visit), visit.patient.contact
        translations = self.visits.pages.translations
        to = reader(visit.clinic, contact, visit.language, translations) if contact else None
        values = {
            "booked": moment(to, booked.start) if booked and to else "",
            "first": today.isoformat(),
            "last": (today + _FARTHEST).isoformat(),
            "problem": self.visits.words(visit, problem) if problem else "",
        }
        return self.visits.page(visit, "another", values, 422 if problem else 200)

    def _day(self, visit: Visit, given: str) -> date | None:
        try:
            day = date.fromisoformat(given)
        except ValueError:
            return None
        return day if timedelta(0) <= day - self._today(visit) <= _FARTHEST else None

    def _today(self, visit: Visit) -> date:
        return self.visits.running.clock.now().astimezone(visit.clinic.zone_info).date()
