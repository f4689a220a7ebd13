"""One appointment: what it is, how it stands, and the free times that it could move to, as scheduling tells them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final, NamedTuple

from fastapi import FastAPI, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from services.console.api.calendar.shown import READERS, names_of, pending, with_sessions, zone_of
from services.console.api.calendar.words import REASONS, REFUSED, STATES
from services.console.api.desk import Desk
from services.console.api.problems import NotFound
from services.console.api.visits import Visit
from services.console.api.waiting_words import OTHER
from services.console.domain.calendar.booked import Booked
from services.console.domain.calendar.opening import Day
from services.console.domain.fhir_names import fhir_id
from services.console.gateways.services import Away, Nothing
from services.console.store import diary, patient_with, patients
from shared.events.base import Identifier
from shared.tokens import Bearer

_SCHEDULING: Final = "scheduling"
_FIND: Final = "/fhir/Appointment/$find"
_MOST_TIMES: Final = "200"
_LOOK_AHEAD: Final = timedelta(days=60)
_ANSWERED_WITHIN: Final = timedelta(minutes=2)
"""What nobody has answered by then may be asked again."""


class Wished(BaseModel):
    """For which free times somebody looks."""

    on: Annotated[date, Field(ge=date(1900, 1, 8), le=date(2199, 12, 24))]
    practitioner: Annotated[str, Field(max_length=128)] = ""
    """Anybody who could treat where nobody is named."""


class FreeTime(NamedTuple):
    """Where an appointment could move."""

    start: datetime
    practitioner_id: str
    room_id: str

    @property
    def word(self) -> str:
        """As a form sends it."""
        return f"{self.start.isoformat()}|{self.practitioner_id}|{self.room_id}"


def add_routes(desk: Desk, app: FastAPI) -> None:
    """The panel, and the free times in it."""

    @app.get("/calendar/appointments/{appointment_id}", include_in_schema=False)
    async def panel(request: Request, appointment_id: Identifier) -> Response:
        async with desk.visit(request, *READERS) as visit:
            found = await read_one(visit, appointment_id)
            await visit.saw("appointment.viewed", [found.patient_id], appointment_id=appointment_id)
            template = "parts/calendar_panel.html" if visit.by_htmx else "calendar_panel.html"
            return visit.page(template, **await panel_of(visit, found))

    @app.get("/calendar/appointments/{appointment_id}/times", include_in_schema=False)
    async def times(request: Request, appointment_id: Identifier, wished: Annotated[Wished, Query()]) -> Response:
        async with desk.visit(request, *READERS) as visit:
            found = await read_one(visit, appointment_id)
            shown = await panel_of(visit, found)
        # No transaction waits for another service.
        free, later = await _free(visit, found, wished)
        template = "parts/calendar_times.html" if visit.by_htmx else "calendar_times.html"
        return visit.page(template, **shown, wished=wished, free=free, later=later)


async def read_one(visit: Visit, appointment_id: str) -> Booked:
    """One appointment of the clinic, as held where a session was.

    Raises:
        NotFound: it has none of that id.
    """
    found = await diary.one(visit.tx, visit.clinic_id, appointment_id)
    if found is None:
        raise NotFound
    (shown,) = await with_sessions(visit, [found])
    return shown


async def panel_of(visit: Visit, found: Booked, just_asked: str = "") -> dict[str, Any]:
    """What the panel shows; `just_asked` in words what is asked for right now."""
    names, now = names_of(visit), visit.desk.running.clock.now()
    people = await patients.names(visit.tx, visit.clinic_id, [found.patient_id])
    others = [one for one in await diary.of_course(visit.tx, visit.clinic_id, found) if one.state == "booked"]
    asked = just_asked or pending(visit, found)
    late = found.pending and found.asked and now - found.asked.requested_at > _ANSWERED_WITHIN
    waits = just_asked or (asked and not late)
    return {
        "one": found,
        "patient": people.get(found.patient_id, found.patient_id),
        "people": names,
        "day": found.start.astimezone(zone_of(visit)).date(),
        "before": max((one.start for one in others if one.start < found.start), default=None),
        "after": min((one.start for one in others if one.start > found.start), default=None),
        "course": await _course_of(visit, found),
        "pending": asked,
        "refused": REFUSED.get(found.asked.refused, OTHER) if found.asked and found.asked.refused else "",
        "states": STATES,
        "reasons": REASONS,
        "now": now,
        "may": bool(visit.session) and found.state == "booked" and not waits,
    }


async def _course_of(visit: Visit, found: Booked) -> str:
    """The plan of the course, for whoever may open its page."""
    if not visit.person.may("clinician"):
        return ""
    known = await patient_with(visit.tx, visit.clinic_id, "EpisodeOfCare", fhir_id(found.plan_id))
    return found.plan_id if known else ""


async def _free(visit: Visit, found: Booked, wished: Wished) -> tuple[Mapping[str, Sequence[FreeTime]] | None, Any]:
    """The free times of the day by practitioner; where there are none, the next day that has one.

    None where scheduling does not answer.
    """
    zone = zone_of(visit)
    day = Day(wished.on, zone)
    try:
        free = await _asked(visit, found, wished.practitioner, (day.begin, day.end), _MOST_TIMES)
        later = [] if free else await _asked(visit, found, wished.practitioner, (day.end, day.end + _LOOK_AHEAD), "1")
    except (Away, Nothing):
        return None, None
    by_person: dict[str, list[FreeTime]] = {}
    for one in free:
        by_person.setdefault(one.practitioner_id, []).append(one)
    return by_person, later[0].start.astimezone(zone).date() if later else None


async def _asked(
    visit: Visit, found: Booked, practitioner: str, span: tuple[datetime, datetime], most: str
) -> list[FreeTime]:
    role = "front-desk" if visit.person.may("front-desk") else "clinician"
    who = Bearer(clinic_id=visit.clinic_id, system=visit.person.person_id, role=role)
    query = {
        "patient": found.patient_id, "plan": found.plan_id, "sequence": str(found.sequence),
        "appointment": found.appointment_id, "start": span[0].isoformat(), "end": span[1].isoformat(), "_count": most,
    }  # fmt: skip
    query |= {"practitioner": practitioner} if practitioner else {}
    bundle = await visit.desk.services.ask(who, _SCHEDULING, _FIND, query)
    return [_free_time(entry["resource"]) for entry in bundle.get("entry", ())]


def _free_time(resource: Mapping[str, Any]) -> FreeTime:
    actors = dict(each["actor"]["reference"].split("/", 1) for each in resource["participant"])
    return FreeTime(datetime.fromisoformat(resource["start"]), actors["Practitioner"], actors["Location"])
