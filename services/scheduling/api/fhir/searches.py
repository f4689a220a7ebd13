"""Schedule, Slot and Appointment read and searched, and free slots found."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated, Final, Literal

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.scheduling.api.bearers import WhoAsks
from services.scheduling.api.fhir import resources
from services.scheduling.api.fhir.answers import Refusal, answer, tagged
from services.scheduling.api.fhir.resources import Resource, own_id
from services.scheduling.api.looking import looked_at
from services.scheduling.domain.calendar import ClinicCalendar
from services.scheduling.domain.consultations import consultation
from services.scheduling.domain.course import Course
from services.scheduling.domain.diary import Diary
from services.scheduling.domain.holds import HOLD_PREFIX
from services.scheduling.domain.minutes import runs
from services.scheduling.domain.slots import Slot, free_slots
from services.scheduling.store.reading import Wish, find_appointment, find_appointments, find_hold
from shared.events.base import Code, Identifier, Moment
from shared.messaging.service import Running

_LIMIT: Final = 200
_TWO_WEEKS: Final = timedelta(days=14)


class Find(BaseModel):
    """The query of `GET /fhir/Appointment/$find`: for a session of a plan, or for a first consultation.

    A consultation is asked for by the practitioner's skill (`service`), the kind of room and how long it takes.
    """

    model_config = ConfigDict(extra="forbid")
    patient: Identifier
    plan: Identifier | None = None
    sequence: Annotated[int, Field(ge=1)] = 1
    service: Code | None = None
    room_kind: Annotated[Code, Field(alias="room-kind")] = "treatment"
    minutes: Annotated[int, Field(ge=10, le=240)] = 60
    practitioner: Identifier | None = None
    moving: Annotated[Identifier | None, Field(alias="appointment")] = None
    """What is to move: the time that it has now counts as free."""
    since: Annotated[Moment | None, Field(alias="start")] = None
    until: Annotated[Moment | None, Field(alias="end")] = None
    count: Annotated[int, Field(alias="_count", ge=1, le=_LIMIT)] = 20


class Search(BaseModel):
    """The query of `GET /fhir/Appointment`; `date` takes `ge` and `lt` with an instant."""

    model_config = ConfigDict(extra="forbid")
    patient: Identifier | None = None
    status: Literal["booked", "cancelled", "noshow", "fulfilled"] | None = None
    date: list[Annotated[str, Field(pattern=r"^(ge|lt)", max_length=40)]] = []
    count: Annotated[int, Field(alias="_count", ge=1, le=_LIMIT)] = 50


class SlotSearch(BaseModel):
    """The query of `GET /fhir/Slot`: one Schedule, from `start` for up to 31 days."""

    model_config = ConfigDict(extra="forbid")
    schedule: Annotated[str, Field(pattern=r"^(Schedule/)?(practitioner|room)\.[A-Za-z0-9._:-]{1,128}$")]
    start: Moment
    days: Annotated[int, Field(ge=1, le=31)] = 7


@dataclass(frozen=True, slots=True)
class Searches:
    """The endpoints."""

    running: Running
    bearer: WhoAsks

    async def search(self, request: Request, asked: Annotated[Search, Query()]) -> Response:
        """Appointments by patient, status and date."""
        bearer = self.bearer(request)
        bounds = {each[:2]: moment_of(each[2:]) for each in asked.date}
        patient = asked.patient.removeprefix("Patient/") if asked.patient else None
        wish = Wish(None, patient, bounds.get("ge"), bounds.get("lt"), asked.status, asked.count + 1)
        async with self.running.engine.connect() as tx:
            rows = await find_appointments(tx, bearer.clinic_id, wish)
        found = [resources.booked(row) for row in rows[: asked.count]]
        return answer(resources.searchset(found, more=len(rows) > asked.count))

    async def read(self, request: Request, appointment_id: str) -> Response:
        """One appointment or hold, with its version as ETag."""
        bearer = self.bearer(request)
        return tagged(await find_resource(self.running, bearer.clinic_id, own_id(appointment_id)))

    async def schedules(self, request: Request) -> Response:
        """A Schedule for each practitioner and room."""
        calendar = await self._calendar(request)
        return answer(resources.searchset(schedules_of(calendar).values()))

    async def schedule(self, request: Request, schedule_id: str) -> Response:
        """One Schedule."""
        found = schedules_of(await self._calendar(request)).get(schedule_id)
        if found is None:
            raise Refusal(404, "not-found", "The clinic has no such Schedule.")
        return answer(found)

    async def slots(self, request: Request, asked: Annotated[SlotSearch, Query()]) -> Response:
        """When a practitioner or room is free, busy, or not to be booked; neighbours of a kind in one."""
        state, _ = await looked_at(self.running, self.bearer(request).clinic_id)
        calendar = known(state.calendar)
        kind, _, name = asked.schedule.removeprefix("Schedule/").partition(".")
        place = next((r.id for r in calendar.resources.values() if (r.kind, r.external_id) == (kind, name)), None)
        if place is None:
            raise Refusal(404, "not-found", "The clinic has no such Schedule.")
        first = calendar.day_of(asked.start)
        found: list[Resource] = []
        for day in range(first, first + asked.days):
            opened, taken = calendar.open_minutes(place, day), state.busy.on(place, day)
            for status, mask in (("free", opened & ~taken), ("busy", taken)):
                for begin, end in runs(mask):
                    span = calendar.moment(day, begin), calendar.moment(day, end)
                    found.append(resources.slot(f"{kind}.{name}", *span, status))
        return answer(resources.searchset(sorted(found, key=lambda each: each["start"])))

    async def find(self, request: Request, asked: Annotated[Find, Query()]) -> Response:
        """Free slots for a session, as proposed Appointments that `$hold` and `$book` take."""
        _, diary = await looked_at(self.running, self.bearer(request).clinic_id, asked.patient)
        course = _course(diary, asked) if diary else None
        if diary is None or course is None or course.terms is None or asked.sequence not in course.sessions:
            raise Refusal(404, "not-found", "The patient has no such session of a course.")
        first = asked.since or diary.now
        diary = diary.without_claims([each for name, each in course.appointments.items() if name == asked.moving])
        slots = free_slots(diary, course, first, asked.until or first + _TWO_WEEKS, asked.practitioner)
        found = [_proposed(diary, asked, slot) for slot in islice(slots, asked.count)]
        return answer(resources.searchset(found))

    async def _calendar(self, request: Request) -> ClinicCalendar:
        state, _ = await looked_at(self.running, self.bearer(request).clinic_id)
        return known(state.calendar)


def known(calendar: ClinicCalendar | None) -> ClinicCalendar:
    """The calendar of a clinic that somebody has described.

    Raises:
        Refusal: nobody has.
    """
    if calendar is None:
        raise Refusal(404, "not-found", "Nobody has described the clinic yet.")
    return calendar


def _course(diary: Diary, asked: Find) -> Course | None:
    if asked.plan is not None:
        return diary.patient.courses.get(asked.plan)
    if asked.service is None:
        raise Refusal(400, "required", "Ask for a plan and a session of it, or for a service.")
    start = asked.since or diary.now
    return consultation(
        diary, "consultation", start, minutes=asked.minutes, skill=asked.service, room_kind=asked.room_kind
    )


def _proposed(diary: Diary, asked: Find, slot: Slot) -> Resource:
    names = diary.calendar.resources
    of_plan = {"plan_id": asked.plan, "sequence": asked.sequence} if asked.plan else {}
    return resources.appointment(
        {
            **of_plan,
            "status": "proposed",
            "start": slot.start,
            "end": slot.end,
            "patient_id": asked.patient,
            "practitioner_id": names[slot.practitioner].external_id,
            "room_id": names[slot.room].external_id,
        }
    )


async def find_resource(running: Running, clinic_id: str, identifier: str) -> Resource:
    """One appointment or hold.

    Raises:
        Refusal: the clinic has none of that id.
    """
    async with running.engine.connect() as tx:
        if identifier.startswith(HOLD_PREFIX):
            row, shown = await find_hold(tx, clinic_id, identifier), resources.held
        else:
            row, shown = await find_appointment(tx, clinic_id, identifier), resources.booked
    if row is None:
        raise Refusal(404, "not-found", "The clinic has no such Appointment.")
    return shown(row)


def schedules_of(calendar: ClinicCalendar) -> dict[str, Resource]:
    """A Schedule for each practitioner and room, by id."""
    return {
        f"{each.kind}.{each.external_id}": resources.schedule(
            each.kind, each.external_id, each.offers, active=each.active
        )
        for each in sorted(calendar.resources.values(), key=lambda one: (one.kind, one.external_id, not one.active))
    }


def moment_of(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise HTTPException(400, "date takes ge or lt with an instant that has an offset.")
    return found
