"""FHIR R4 on scheduling: Schedule, Slot and Appointment read and searched, and the operations on Appointment.

What is asked for enters by the door as `slot.requested`, so that what comes of it is in the log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import FastAPI, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Row
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from services.scheduling.api import resources
from services.scheduling.api.looking import looked_at
from services.scheduling.api.resources import MEDIA_TYPE, PLAN_SYSTEM, SEQUENCE, Resource, own_id
from services.scheduling.domain.calendar import ClinicCalendar
from services.scheduling.domain.holds import HOLD_PREFIX
from services.scheduling.domain.slots import TAKEN, free_slots
from services.scheduling.store.reading import Wish, find_appointment, find_appointments, find_booking, find_hold
from shared.events.base import Identifier, Moment
from shared.events.scheduling import SlotRequested
from shared.ids import derived_id
from shared.messaging.message import Outcome
from shared.messaging.service import Running
from shared.tokens import Bearer, Tokens

_ROLES: Final = ("clinician", "front-desk", "clinic-system")
_LIMIT: Final = 200
_HOLD_MINUTES: Final = 15
_LONGEST_HOLD: Final = 7 * 24 * 60
Action = Literal["hold", "confirm", "release", "book", "reschedule", "cancel"]


class Refusal(Exception):
    """A request gets an OperationOutcome other than yes."""

    def __init__(self, status: int, code: str, diagnostics: str) -> None:
        super().__init__(code)
        self.status, self.code, self.diagnostics = status, code, diagnostics

    def response(self) -> Response:
        """The answer."""
        return _answer(resources.outcome(self.code, self.diagnostics), self.status)


class Find(BaseModel):
    """The query of `GET /fhir/Appointment/$find`."""

    model_config = ConfigDict(extra="forbid")
    patient: Identifier
    plan: Identifier
    sequence: Annotated[int, Field(ge=1)]
    practitioner: Identifier | None = None
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
class FhirEdge:
    """The endpoints."""

    running: Running
    tokens: Tokens

    async def search(self, request: Request, asked: Annotated[Search, Query()]) -> Response:
        """Appointments by patient, status and date."""
        bearer = self._bearer(request)
        bounds = {each[:2]: _moment(each[2:]) for each in asked.date}
        patient = asked.patient.removeprefix("Patient/") if asked.patient else None
        wish = Wish(None, patient, bounds.get("ge"), bounds.get("lt"), asked.status, asked.count + 1)
        async with self.running.engine.connect() as tx:
            rows = await find_appointments(tx, bearer.clinic_id, wish)
        found = [resources.booked(row) for row in rows[: asked.count]]
        return _answer(resources.searchset(found, more=len(rows) > asked.count))

    async def read(self, request: Request, appointment_id: str) -> Response:
        """One appointment or hold, with its version as ETag."""
        bearer = self._bearer(request)
        return _tagged(await self._resource(bearer.clinic_id, own_id(appointment_id)))

    async def schedules(self, request: Request) -> Response:
        """A Schedule for each practitioner and room."""
        calendar = await self._calendar(self._bearer(request))
        return _answer(resources.searchset(_schedules(calendar).values()))

    async def schedule(self, request: Request, schedule_id: str) -> Response:
        """One Schedule."""
        found = _schedules(await self._calendar(self._bearer(request))).get(schedule_id)
        if found is None:
            raise Refusal(404, "not-found", "The clinic has no such Schedule.")
        return _answer(found)

    async def slots(self, request: Request, asked: Annotated[SlotSearch, Query()]) -> Response:
        """When a practitioner or room is free, busy, or not to be booked; neighbours of a kind in one."""
        bearer = self._bearer(request)
        async with looked_at(self.running, _probe(bearer)) as (state, _):
            calendar = state.calendar
            if calendar is None:
                raise Refusal(404, "not-found", "Nobody has described the clinic yet.")
            kind, _, name = asked.schedule.removeprefix("Schedule/").partition(".")
            place = next((r.id for r in calendar.resources.values() if (r.kind, r.external_id) == (kind, name)), None)
            if place is None:
                raise Refusal(404, "not-found", "The clinic has no such Schedule.")
            first = calendar.day_of(asked.start)
            found: list[Resource] = []
            for day in range(first, first + asked.days):
                opened, taken = calendar.open_minutes(place, day), state.busy.on(place, day)
                for status, mask in (("free", opened & ~taken), ("busy", taken)):
                    for begin, end in _runs(mask):
                        span = calendar.moment(day, begin), calendar.moment(day, end)
                        found.append(resources.slot(f"{kind}.{name}", *span, status))
        return _answer(resources.searchset(sorted(found, key=lambda each: each["start"])))

    async def find(self, request: Request, asked: Annotated[Find, Query()]) -> Response:
        """Free slots for a session of a course, as proposed Appointments that `$hold` and `$book` take."""
        bearer = self._bearer(request)
        async with looked_at(self.running, _probe(bearer, asked.patient, asked.plan)) as (state, diary):
            course = state.patients[asked.patient].courses.get(asked.plan) if diary else None
            if diary is None or course is None or course.terms is None or asked.sequence not in course.sessions:
                raise Refusal(404, "not-found", "The patient has no such session of a course.")
            first = asked.since or diary.now
            found: list[Resource] = []
            names = diary.calendar.resources
            for slot in free_slots(diary, course, first, asked.until or first + timedelta(days=14), asked.practitioner):
                content = {
                    "status": "proposed",
                    "plan_id": asked.plan,
                    "sequence": asked.sequence,
                    "start": slot.start,
                    "end": slot.end,
                    "patient_id": asked.patient,
                    "practitioner_id": names[slot.practitioner].external_id,
                    "room_id": names[slot.room].external_id,
                }
                found.append(resources.appointment(content))
                if len(found) == asked.count:
                    break
        return _answer(resources.searchset(found))

    async def hold(self, request: Request, minutes: Annotated[int, Query(ge=1, le=_LONGEST_HOLD)] = _HOLD_MINUTES
                   ) -> Response:  # fmt: skip
        """Keep a slot for a while."""
        until = self.running.clock.now() + timedelta(minutes=minutes)
        fact = await self._asked(request, "hold", held_until=until)
        await self._admit(fact)
        async with self.running.engine.connect() as tx:
            row = await find_hold(tx, fact.clinic_id, f"{HOLD_PREFIX}{fact.event_id}")
        return _tagged(resources.held(_as_asked(row, fact)), 201)

    async def book(self, request: Request) -> Response:
        """Book a slot."""
        fact = await self._asked(request, "book")
        await self._admit(fact)
        return _tagged(await self._booking(fact), 201)

    async def confirm(self, request: Request, appointment_id: str) -> Response:
        """Turn a hold into an appointment."""
        fact = await self._about_hold(request, "confirm", own_id(appointment_id))
        await self._admit(fact)
        return _tagged(await self._booking(fact))

    async def release(self, request: Request, appointment_id: str) -> Response:
        """Give a hold back."""
        fact = await self._about_hold(request, "release", own_id(appointment_id))
        await self._admit(fact)
        return _tagged(await self._resource(fact.clinic_id, own_id(appointment_id)))

    async def reschedule(self, request: Request, appointment_id: str) -> Response:
        """Move an appointment to the slot in the body; it keeps its id."""
        return await self._change(request, appointment_id, await self._slot(request), "reschedule")

    async def cancel(self, request: Request, appointment_id: str, *, rebook: bool = True) -> Response:
        """Cancel an appointment; another time is looked for unless `rebook=false`."""
        return await self._change(request, appointment_id, {"rebook": rebook}, "cancel")

    async def _change(self, request: Request, appointment_id: str, more: Mapping[str, Any], action: Action) -> Response:
        bearer = self._bearer(request)
        async with self.running.engine.connect() as tx:
            row = await find_appointment(tx, bearer.clinic_id, appointment_id)
        if row is None:
            raise Refusal(404, "not-found", "The clinic has no such appointment.")
        tag = request.headers.get("if-match")
        if tag not in (None, "*", f'W/"{row.version}"'):
            raise Refusal(412, "conflict", f"The appointment is at version {row.version} by now: read it again.")
        about = {"patient_id": row.patient_id, "plan_id": row.plan_id, "sequence": row.sequence}
        slot = {name: more[name] for name in ("start", "practitioner_id", "room_id", "rebook") if name in more}
        fact = self._fact(request, bearer, {**about, **slot, "action": action, "appointment_id": appointment_id})
        await self._admit(fact)
        return _tagged(await self._resource(bearer.clinic_id, appointment_id))

    async def _asked(self, request: Request, action: Action, **more: Any) -> SlotRequested:
        bearer = self._bearer(request)
        return self._fact(request, bearer, {**await self._slot(request), "action": action, **more})

    async def _about_hold(self, request: Request, action: Action, hold_id: str) -> SlotRequested:
        bearer = self._bearer(request)
        async with self.running.engine.connect() as tx:
            row = await find_hold(tx, bearer.clinic_id, hold_id)
        if row is None:
            raise Refusal(404, "not-found", "The clinic has no such hold.")
        about = {"patient_id": row.patient_id, "plan_id": row.plan_id, "sequence": row.sequence}
        return self._fact(request, bearer, {**about, "action": action, "appointment_id": hold_id})

    def _fact(self, request: Request, bearer: Bearer, content: Mapping[str, Any]) -> SlotRequested:
        key = request.headers.get("idempotency-key", "")
        if not key or len(key) > 200:  # noqa: PLR2004
            raise Refusal(400, "required", "Send an Idempotency-Key header of 1 to 200 characters.")
        whose = {"clinic_id": bearer.clinic_id, "requested_at": self.running.clock.now()}
        request_id = derived_id("slot", bearer.clinic_id, bearer.system, key)
        try:
            return SlotRequested.model_validate({**content, **whose, "request_id": request_id})
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, each["loc"])) for each in error.errors(include_input=False))
            raise Refusal(422, "value", f"Not usable: {fields}.") from None

    async def _slot(self, request: Request) -> dict[str, Any]:
        """What an Appointment in the body says: patient, practitioner, room, start, plan and session."""
        try:
            body = resources.checked(await request.json())
            return _slot_in(body)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            detail = "The body is no Appointment with start, plan, session, Patient, Practitioner and Location."
            raise Refusal(400, "structure", detail) from None

    async def _admit(self, fact: SlotRequested) -> Outcome:
        (outcome,) = await self.running.door.admit([self.running.door.own(fact)])
        if outcome.state == "refused":
            taken = outcome.pointer == TAKEN
            raise Refusal(409 if taken else 422, "conflict" if taken else "business-rule", outcome.reason)
        return outcome

    async def _booking(self, fact: SlotRequested) -> Resource:
        async with self.running.engine.connect() as tx:
            row = await find_booking(tx, fact.clinic_id, fact.request_id)
        return resources.booked(_as_asked(row, fact))

    async def _resource(self, clinic_id: str, identifier: str) -> Resource:
        async with self.running.engine.connect() as tx:
            if identifier.startswith(HOLD_PREFIX):
                row, shown = await find_hold(tx, clinic_id, identifier), resources.held
            else:
                row, shown = await find_appointment(tx, clinic_id, identifier), resources.booked
        if row is None:
            raise Refusal(404, "not-found", "The clinic has no such Appointment.")
        return shown(row)

    async def _calendar(self, bearer: Bearer) -> ClinicCalendar:
        async with looked_at(self.running, _probe(bearer)) as (state, _):
            if state.calendar is None:
                raise Refusal(404, "not-found", "Nobody has described the clinic yet.")
            return state.calendar

    def _bearer(self, request: Request) -> Bearer:
        return self.tokens.bearer(request.headers.get("authorization", ""), *_ROLES)


def mount_fhir(edge: FhirEdge, app: FastAPI) -> None:
    """Add the routes; operations before ids, which would take their names."""
    base = "/fhir/Appointment"
    one = f"{base}/{{appointment_id}}"
    routes = [
        (f"{base}/$find", edge.find, "GET"),
        (f"{base}/$hold", edge.hold, "POST"),
        (f"{base}/$book", edge.book, "POST"),
        (f"{one}/$confirm", edge.confirm, "POST"),
        (f"{one}/$release", edge.release, "POST"),
        (f"{one}/$reschedule", edge.reschedule, "POST"),
        (f"{one}/$cancel", edge.cancel, "POST"),
        (base, edge.search, "GET"),
        (one, edge.read, "GET"),
        ("/fhir/Schedule", edge.schedules, "GET"),
        ("/fhir/Schedule/{schedule_id}", edge.schedule, "GET"),
        ("/fhir/Slot", edge.slots, "GET"),
    ]
    for path, endpoint, method in routes:
        app.add_api_route(path, endpoint, methods=[method], response_model=None)


def _as_asked(row: Row[Any] | None, fact: SlotRequested) -> Row[Any]:
    """What came of a request. One that was made before under the same key must have asked for the same."""
    asked = (fact.sequence, fact.start, fact.practitioner_id, fact.room_id)
    got = (row.sequence, row.start_at, row.practitioner_id, row.room_id) if row else None
    if row and (fact.start is None or got == asked):
        return row
    raise Refusal(422, "duplicate", "This Idempotency-Key was used for something else.")


def _probe(bearer: Bearer, patient_id: str = "nobody", plan_id: str = "none") -> SlotRequested:
    """Stands for a request while the schedule is only looked at; never admitted."""
    moment = datetime.fromisoformat("2026-01-01T00:00:00Z")
    return SlotRequested(
        clinic_id=bearer.clinic_id,
        patient_id=patient_id,
        request_id="look",
        action="book",
        requested_at=moment,
        plan_id=plan_id,
        sequence=1,
    )


def _slot_in(body: Resource) -> dict[str, Any]:
    actors = dict(each["actor"]["reference"].split("/", 1) for each in body["participant"])
    plan = next(each["identifier"] for each in body["basedOn"] if each["identifier"]["system"] == PLAN_SYSTEM)
    sequence = next(each["valueInteger"] for each in body["extension"] if each["url"] == SEQUENCE)
    return {
        "patient_id": actors["Patient"],
        "practitioner_id": actors["Practitioner"],
        "room_id": actors["Location"],
        "start": body["start"],
        "plan_id": plan["value"],
        "sequence": sequence,
    }


def _schedules(calendar: ClinicCalendar) -> dict[str, Resource]:
    return {
        f"{each.kind}.{each.external_id}": resources.schedule(
            each.kind, each.external_id, each.offers, active=each.active
        )
        for each in sorted(calendar.resources.values(), key=lambda one: (one.kind, one.external_id, not one.active))
    }


def _runs(mask: int) -> list[tuple[int, int]]:
    """From which bit up to which there are ones."""
    runs: list[tuple[int, int]] = []
    while mask:
        begin = (mask & -mask).bit_length() - 1
        rest = ~(mask >> begin)
        length = (rest & -rest).bit_length() - 1
        runs.append((begin, begin + length))
        mask = mask >> (begin + length) << (begin + length)
    return runs


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise HTTPException(400, "date takes ge or lt with an instant that has an offset.")
    return found


def _tagged(resource: Resource, status: int = 200) -> Response:
    response = _answer(resource, status)
    response.headers["ETag"] = f'W/"{resource["meta"]["versionId"]}"'
    return response


def _answer(resource: Resource, status: int = 200) -> Response:
    return JSONResponse(resource, status_code=status, media_type=MEDIA_TYPE)
