"""What the front desk does with the waitlist: put a course there, take it off, answer an offer for a patient."""

from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from services.console.api.desk import Desk
from services.console.api.problems import CantBe, NotFound
from services.console.api.waiting_actions import ask
from services.console.api.waiting_cases import READERS
from services.console.api.waitlist_rows import course_on_list, offered
from services.console.api.waitlist_view import what_waitlists_show
from services.console.api.words import N_
from services.console.store import waiting
from shared.events.base import Identifier

_CHANGES: Final[Mapping[str, str]] = {
    "wait": N_("Being put on the waitlist"),
    "stop-waiting": N_("Being taken off the waitlist"),
}
_ANSWERS: Final[Mapping[str, str]] = {
    "accept-offer": N_("Being accepted"),
    "decline-offer": N_("Being declined"),
}


def add_routes(desk: Desk, app: FastAPI) -> None:
    """One for courses, one for offers."""

    @app.post("/waiting/courses/{plan_id}/{change}", include_in_schema=False)
    async def note(request: Request, plan_id: Identifier, change: str) -> Response:
        async with desk.act(request, *READERS) as visit:
            if change not in _CHANGES:
                raise NotFound
            row = await course_on_list(visit, plan_id)
            await ask(visit, row, change, _CHANGES[change], {})
            if not visit.by_htmx:
                return visit.back_to("/waiting/offers")
            asked = row._replace(asked=_CHANGES[change], refused=())
            return visit.page("parts/waits_row.html", one=asked, **what_waitlists_show(visit))

    @app.post("/waiting/offers/{offer_id}/{answer}", include_in_schema=False)
    async def answered(request: Request, offer_id: Identifier, answer: str) -> Response:
        async with desk.act(request, *READERS) as visit:
            found = await waiting.offer(visit.tx, visit.clinic_id, offer_id)
            if found is None or answer not in _ANSWERS:
                raise NotFound
            (row,) = await offered(visit, [found])
            if row.state != "open":
                raise CantBe(N_("The offer is over or has been answered."))
            await ask(visit, row, answer, _ANSWERS[answer], {"sequence": row.sequence, "offer_id": offer_id})
            if not visit.by_htmx:
                return visit.back_to("/waiting/offers")
            asked = row._replace(asked=_ANSWERS[answer], refused=())
            return visit.page("parts/offer_row.html", one=asked, **what_waitlists_show(visit))
