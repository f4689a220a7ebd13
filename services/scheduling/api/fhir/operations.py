"""The operations on Appointment: one slot held, booked or given back, an appointment moved or cancelled.

What is asked for enters by the door as `slot.requested`, so that what comes of it is in the log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import Query, Request
from pydantic import ValidationError
from sqlalchemy import Row
from starlette.responses import Response

from services.scheduling.api.bearers import WhoAsks
from services.scheduling.api.fhir import resources
from services.scheduling.api.fhir.answers import Refusal, tagged
from services.scheduling.api.fhir.resources import PLAN_SYSTEM, SEQUENCE, Resource, own_id
from services.scheduling.api.fhir.searches import find_resource
from services.scheduling.domain.holds import HOLD_PREFIX
from services.scheduling.domain.slots import TAKEN
from services.scheduling.store.reading import find_appointment, find_booking, find_hold, was_taken_in
from shared.events.scheduling import SlotRequested
from shared.ids import derived_id
from shared.messaging.message import Outcome
from shared.messaging.service import Running
from shared.tokens import Bearer

_HOLD_MINUTES: Final = 15
_LONGEST_HOLD: Final = 7 * 24 * 60
_LONGEST_KEY: Final = 200
Action = Literal["hold", "confirm", "release", "book", "reschedule", "cancel"]


@dataclass(frozen=True, slots=True)
class Operations:
    """The endpoints."""

    running: Running
    bearer: WhoAsks

    async def hold(self, request: Request, minutes: Annotated[int, Query(ge=1, le=_LONGEST_HOLD)] = _HOLD_MINUTES
                   ) -> Response:  # fmt: skip
        """Keep a slot for a while."""
        until = self.running.clock.now() + timedelta(minutes=minutes)
        fact = await self._asked(request, "hold", held_until=until)
        await self._admit(fact)
        async with self.running.engine.connect() as tx:
            row = await find_hold(tx, fact.clinic_id, f"{HOLD_PREFIX}{fact.event_id}")
        return tagged(resources.held(_as_asked(row, fact)), 201)

    async def book(self, request: Request) -> Response:
        """Book a slot."""
        fact = await self._asked(request, "book")
        await self._admit(fact)
        return tagged(await self._booking(fact), 201)

    async def confirm(self, request: Request, appointment_id: str) -> Response:
        """Turn a hold into an appointment."""
        fact = await self._about_hold(request, "confirm", own_id(appointment_id))
        await self._admit(fact)
        return tagged(await self._booking(fact))

    async def release(self, request: Request, appointment_id: str) -> Response:
        """Give a hold back."""
        fact = await self._about_hold(request, "release", own_id(appointment_id))
        await self._admit(fact)
        return tagged(await find_resource(self.running, fact.clinic_id, own_id(appointment_id)))

    async def reschedule(self, request: Request, appointment_id: str) -> Response:
        """Move an appointment to the slot in the body; it keeps its id."""
        return await self._change(request, appointment_id, await self._slot(request), "reschedule")

    async def cancel(self, request: Request, appointment_id: str, *, rebook: bool = True) -> Response:
        """Cancel an appointment; another time is looked for unless `rebook=false`."""
        return await self._change(request, appointment_id, {"rebook": rebook}, "cancel")

    async def _change(self, request: Request, appointment_id: str, more: Mapping[str, Any], action: Action) -> Response:
        bearer = self.bearer(request)
        async with self.running.engine.connect() as tx:
            row = await find_appointment(tx, bearer.clinic_id, appointment_id)
        if row is None:
            raise Refusal(404, "not-found", "The clinic has no such appointment.")
        about = {"patient_id": row.patient_id, "plan_id": row.plan_id, "sequence": row.sequence}
        slot = {name: more[name] for name in ("start", "practitioner_id", "room_id", "rebook") if name in more}
        fact = self._fact(request, bearer, {**about, **slot, "action": action, "appointment_id": appointment_id})
        await self._refuse_outdated(request, fact, row.version)
        await self._admit(fact)
        return tagged(await find_resource(self.running, bearer.clinic_id, appointment_id))

    async def _refuse_outdated(self, request: Request, fact: SlotRequested, version: int) -> None:
        """Who asks again under the same key has seen an older version: their own change made the newer one."""
        tag = request.headers.get("if-match")
        if tag in (None, "*", f'W/"{version}"'):
            return
        async with self.running.engine.connect() as tx:
            if not await was_taken_in(tx, fact.event_id):
                raise Refusal(412, "conflict", f"The appointment is at version {version} by now: read it again.")

    async def _asked(self, request: Request, action: Action, **more: Any) -> SlotRequested:
        bearer = self.bearer(request)
        return self._fact(request, bearer, {**await self._slot(request), "action": action, **more})

    async def _about_hold(self, request: Request, action: Action, hold_id: str) -> SlotRequested:
        bearer = self.bearer(request)
        async with self.running.engine.connect() as tx:
            row = await find_hold(tx, bearer.clinic_id, hold_id)
        if row is None:
            raise Refusal(404, "not-found", "The clinic has no such hold.")
        about = {"patient_id": row.patient_id, "plan_id": row.plan_id, "sequence": row.sequence}
        return self._fact(request, bearer, {**about, "action": action, "appointment_id": hold_id})

    def _fact(self, request: Request, bearer: Bearer, content: Mapping[str, Any]) -> SlotRequested:
        key = request.headers.get("idempotency-key", "")
        if not key or len(key) > _LONGEST_KEY:
            raise Refusal(400, "required", "Send an Idempotency-Key header of 1 to 200 characters.")
        whose = {"clinic_id": bearer.clinic_id, "requested_at": self.running.clock.now()}
        request_id = derived_id("slot", bearer.clinic_id, bearer.system, key)
        if "minutes" in content:
            content = {**content, "plan_id": f"consultation-{request_id}", "sequence": 1}
        try:
            return SlotRequested.model_validate({**content, **whose, "request_id": request_id})
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, each["loc"])) for each in error.errors(include_input=False))
            raise Refusal(422, "value", f"Not usable: {fields}.") from None

    async def _slot(self, request: Request) -> dict[str, Any]:
        """What an Appointment in the body says: patient, practitioner, room, start, and plan and session.

        Without `basedOn` it is a first consultation of `minutesDuration`, or from start to end.
        """
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


def _as_asked(row: Row[Any] | None, fact: SlotRequested) -> Row[Any]:
    """What came of a request. One that was made before under the same key must have asked for the same."""
    asked = (fact.sequence, fact.start, fact.practitioner_id, fact.room_id)
    got = (row.sequence, row.start_at, row.practitioner_id, row.room_id) if row else None
    if row and (fact.start is None or got == asked):
        return row
    raise Refusal(422, "duplicate", "This Idempotency-Key was used for something else.")


def _slot_in(body: Resource) -> dict[str, Any]:
    actors = dict(each["actor"]["reference"].split("/", 1) for each in body["participant"])
    slot = {
        "patient_id": actors["Patient"],
        "practitioner_id": actors["Practitioner"],
        "room_id": actors["Location"],
        "start": body["start"],
    }
    if "basedOn" not in body:
        return {**slot, "minutes": body.get("minutesDuration") or _minutes(body["start"], body["end"])}
    plan = next(each["identifier"] for each in body["basedOn"] if each["identifier"]["system"] == PLAN_SYSTEM)
    sequence = next(each["valueInteger"] for each in body["extension"] if each["url"] == SEQUENCE)
    return {**slot, "plan_id": plan["value"], "sequence": sequence}


def _minutes(start: str, end: str) -> int:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)) // timedelta(minutes=1)
