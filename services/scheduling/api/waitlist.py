"""The waitlist as staff see it: who waits, which time is free, what is offered; and what patients say by phone."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Header, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row
from starlette.exceptions import HTTPException

from services.scheduling.api.bearers import WhoAsks
from services.scheduling.api.desk import iso
from services.scheduling.api.offers import answered
from services.scheduling.store.reading import find_course
from services.scheduling.store.waiting import entries_of, find_offer, free_times_of, offers_of
from shared.events.base import Identifier
from shared.events.scheduling import WaitlistChanged
from shared.ids import derived_id, random_id
from shared.messaging.service import Running

Key = Annotated[Identifier | None, Header(alias="Idempotency-Key")]
_BECAME = {
    "accepted": "it was accepted",
    "declined": "it was declined",
    "over": "its time is over",
    "taken": "what would move has moved, or something is in the way",
}


class Said(BaseModel):
    """Whether a patient wants to be asked when a better time for a course becomes free."""

    model_config = ConfigDict(extra="forbid")
    plan_id: Identifier
    wanted: bool = True


class Answer(BaseModel):
    """What a patient said about an offer."""

    model_config = ConfigDict(extra="forbid")
    answer: Literal["yes", "no"]


@dataclass(frozen=True, slots=True)
class Waitlist:
    """The endpoints."""

    running: Running
    bearer: WhoAsks

    async def show(self, request: Request) -> dict[str, Any]:
        """Who said what about offers, the freed times that are still offered, and the offers from now on."""
        clinic_id, now = self.bearer(request).clinic_id, self.running.clock.now()
        async with self.running.engine.connect() as tx:
            entries = await entries_of(tx, clinic_id)
            times = await free_times_of(tx, clinic_id, now)
            offers = await offers_of(tx, clinic_id, now)
        return {
            "waiting": [_entry(row) for row in entries],
            "free_times": [_time(row) for row in times],
            "offers": [_offer(row) for row in offers],
        }

    async def note(self, request: Request, said: Said, key: Key = None) -> dict[str, Any]:
        """Remember what a patient said; the last word counts."""
        bearer, now = self.bearer(request), self.running.clock.now()
        async with self.running.engine.connect() as tx:
            course = await find_course(tx, bearer.clinic_id, said.plan_id)
        if course is None:
            raise HTTPException(404, "This clinic has no course of that plan.")
        fact = WaitlistChanged(
            clinic_id=bearer.clinic_id,
            patient_id=course.patient_id,
            request_id=derived_id("wait", bearer.clinic_id, bearer.system, key) if key else random_id(),
            plan_id=said.plan_id,
            wanted=said.wanted,
            recorded_at=now,
        )
        await self.running.door.admit([self.running.door.own(fact)])
        return {"plan_id": said.plan_id, "patient_id": course.patient_id, "wanted": said.wanted}

    async def answer(self, request: Request, offer_id: str, given: Answer) -> dict[str, Any]:
        """Accept or decline an offer for a patient, on the phone say; 409 where it is over or answered otherwise."""
        bearer = self.bearer(request)
        async with self.running.engine.connect() as tx:
            offer = await find_offer(tx, bearer.clinic_id, offer_id)
        if offer is None:
            raise HTTPException(404, "This clinic has no such offer.")
        became = await answered(self.running, offer, accept=given.answer == "yes")
        if became != ("accepted" if given.answer == "yes" else "declined"):
            raise HTTPException(409, f"The offer can't be answered so any more: {_BECAME[became]}.")
        return {"offer_id": offer_id, "state": became}


def mount_waitlist(waitlist: Waitlist, app: FastAPI) -> None:
    """Add the routes."""
    app.add_api_route("/waitlist", waitlist.show, methods=["GET"])
    app.add_api_route("/waitlist", waitlist.note, methods=["POST"])
    app.add_api_route("/offers/{offer_id}", waitlist.answer, methods=["POST"])


def _entry(row: Row[Any]) -> dict[str, Any]:
    return {
        "patient_id": row.patient_id,
        "plan_id": row.plan_id,
        "wanted": row.wanted,
        "recorded_at": iso(row.recorded_at),
        "next_appointment": iso(row.next_at),
    }


def _time(row: Row[Any]) -> dict[str, Any]:
    about = {"practitioner_id": row.practitioner_id, "room_id": row.room_id}
    return {**about, "start": iso(row.start_at), "end": iso(row.end_at), "looked_at_again": iso(row.due_at)}


def _offer(row: Row[Any]) -> dict[str, Any]:
    return {
        "offer_id": row.hold_id,
        "state": row.answer,
        "patient_id": row.patient_id,
        "plan_id": row.plan_id,
        "sequence": row.sequence,
        "appointment_id": row.moves,
        "start": iso(row.start_at),
        "end": iso(row.end_at),
        "practitioner_id": row.practitioner_id,
        "room_id": row.room_id,
        "offered_at": iso(row.offered_at),
        "expires_at": iso(row.expires_at),
    }
