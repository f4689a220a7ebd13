"""Sessions that have no time: `/waiting`, and one of them with the times that it could have.

Which sessions these are follows from facts. Which times are free right now is no fact: it changes with every booking
of anybody, so it is asked of scheduling when somebody looks (ADR 0019).
"""

from typing import Annotated, Any, Final

from fastapi import FastAPI, Query
from starlette.requests import Request
from starlette.responses import Response

from services.console.api import waiting_words
from services.console.api.desk import Desk
from services.console.api.pages import Place
from services.console.api.visits import Visit
from services.console.api.waiting_cases import READERS, asking, case_of, cases_of, what_cases_show
from services.console.api.waiting_wish import as_query, wish_of
from services.console.api.words import N_
from services.console.domain.courses import courses_of
from services.console.gateways.services import Away, Nothing
from services.console.store import facts_of, patients, waiting
from shared.events.base import Identifier
from shared.events.scheduling import AppointmentBooked, AppointmentFact, AppointmentMoved

PLACE: Final = Place("/waiting", N_("Who waits"), READERS, "w")
_MOST: Final = 100
_CASE: Final = "/waiting/cases/{plan_id}/{sequence}"
_Search = Annotated[str, Query(max_length=100)]
_Part = Annotated[bool, Query()]


def add_routes(desk: Desk, app: FastAPI) -> None:
    """The list, one case, and the times that it could have."""

    @app.get("/waiting", include_in_schema=False)
    async def page(request: Request, q: _Search = "", part: _Part = False) -> Response:
        async with desk.visit(request, *READERS) as visit:
            shown = await _listed(visit, q.strip())
            return visit.page("parts/waiting.html" if part else "waiting.html", **shown)

    @app.get(_CASE, include_in_schema=False)
    async def one(request: Request, plan_id: Identifier, sequence: int, part: _Part = False) -> Response:
        async with desk.visit(request, *READERS) as visit:
            case = await case_of(visit, plan_id, sequence)
            await visit.saw("waiting.viewed", [case.patient_id], plan_id=plan_id)
            appointments = await _appointments(visit, case.patient_id, plan_id)
            template = "parts/waiting_case.html" if part else "waiting_case.html"
            return visit.page(template, case=case, appointments=appointments, **what_cases_show(visit))

    @app.get(f"{_CASE}/times", include_in_schema=False)
    async def times(request: Request, plan_id: Identifier, sequence: int) -> Response:
        async with desk.visit(request, *READERS) as visit:
            case = await case_of(visit, plan_id, sequence)
            wish = wish_of(request.query_params)
        found: dict[str, Any] | None = {"proposals": []}
        try:
            found = await desk.services.ask(
                asking(visit), "scheduling", f"/work-queue/{plan_id}/{sequence}", as_query(wish)
            )
        except Away:
            found = None
        except Nothing:
            pass
        breaks = waiting_words.BREAKS
        return visit.page("parts/waiting_times.html", case=case, found=found, breaks=breaks, **what_cases_show(visit))


async def _listed(visit: Visit, words: str) -> dict[str, Any]:
    named = await patients.find(visit.tx, visit.clinic_id, words) if words else None
    queues = await waiting.queue(visit.tx, visit.clinic_id, _MOST, named)
    cases = sorted(await cases_of(visit, queues), key=lambda case: (case.session and case.session.earliest, case.about))
    await visit.saw("waiting.listed", {case.patient_id for case in cases})
    shown = {"cases": cases, "q": words, "more": len(queues) == _MOST}
    return {**shown, **await tabs(visit), **what_cases_show(visit)}


async def tabs(visit: Visit) -> dict[str, Any]:
    """The numbers beside the names of both lists."""
    sessions, offers = await waiting.numbers(visit.tx, visit.clinic_id, visit.desk.running.clock.now())
    return {"sessions": sessions, "offers": offers}


async def _appointments(visit: Visit, patient_id: str, plan_id: str) -> list[AppointmentFact]:
    """The course's appointments that take place or took place, by start."""
    facts = await facts_of(visit.tx, visit.clinic_id, patient_id)
    course = next((one for one in courses_of(facts) if one.plan.plan_id == plan_id), None)
    standing = course.appointments if course else ()
    return [one for one in standing if isinstance(one, AppointmentBooked | AppointmentMoved)]
