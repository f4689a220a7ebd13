"""A course of care: `/courses/PLAN`, its timeline, measures and plan, and what a clinician decides on it."""

from typing import Annotated, Final

from fastapi import FastAPI, Query
from starlette.requests import Request
from starlette.responses import Response

from services.console.api.course_page import CoursePage, course_page
from services.console.api.desk import Desk
from services.console.api.evidence import explained
from services.console.api.pages import Place
from services.console.api.problems import NotFound
from services.console.api.visits import Visit
from services.console.api.words import N_
from services.console.domain.fhir_names import fhir_id
from services.console.store import courses, facts_of, patient_with
from shared.events.base import Identifier
from shared.explaining import measure_name
from shared.tokens import Role

READERS: Final[tuple[Role, ...]] = ("clinician",)
PLACE: Final = Place("/courses", N_("Courses"), READERS, "p")


def add_routes(desk: Desk, app: FastAPI) -> None:
    """Finding a course, its page, and the part of that which follows changes."""

    @app.get("/courses", include_in_schema=False)
    async def found(request: Request, q: Annotated[str, Query(max_length=100)] = "") -> Response:
        async with desk.visit(request, *READERS) as visit:
            words = q.strip()
            rows = await courses.find(visit.tx, visit.clinic_id, words) if words else []
            await visit.saw("courses.listed", {row.patient_id for row in rows})
            return visit.page("courses.html", q=words, rows=rows)

    @app.get("/courses/{plan_id}", include_in_schema=False)
    async def page(request: Request, plan_id: Identifier, part: Annotated[bool, Query()] = False) -> Response:
        async with desk.visit(request, *READERS) as visit:
            patient_id, shown = await read_course(visit, plan_id)
            await visit.saw("course.viewed", [patient_id], plan_id=plan_id)
            template = "parts/course.html" if part else "course.html"
            return visit.page(
                template,
                patient_id=patient_id,
                page=shown,
                now=desk.running.clock.now(),
                explained=explained,
                measure_name=measure_name,
                asked=_asked(desk, shown),
            )


def _asked(desk: Desk, shown: CoursePage) -> str:
    """What somebody has just decided on the open proposal, until it comes back as a fact."""
    proposal = shown.course.open_proposal
    return desk.asked.of(proposal.proposal_id, proposal.plan_version) if proposal else ""


async def read_course(visit: Visit, plan_id: str) -> tuple[str, CoursePage]:
    """Whose course it is, and all that its page shows.

    Raises:
        NotFound: the clinic has no such course.
    """
    patient_id = await patient_with(visit.tx, visit.clinic_id, "EpisodeOfCare", fhir_id(plan_id))
    facts = await facts_of(visit.tx, visit.clinic_id, patient_id) if patient_id else []
    clinic = visit.desk.clinics.get(visit.clinic_id)
    shown = course_page(facts, plan_id, visit.desk.protocols, clinic, visit.reader)
    if not patient_id or not shown:
        raise NotFound
    return patient_id, shown
