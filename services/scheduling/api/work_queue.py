"""The work queue: sessions that have no time, each with proposals; staff take one, or decide that none is needed."""

from dataclasses import dataclass
from datetime import date, time
from typing import Annotated, Any

from fastapi import FastAPI, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row
from starlette.exceptions import HTTPException

from services.scheduling.api.bearers import WhoAsks
from services.scheduling.api.desk import appointment_of, iso, session_of
from services.scheduling.domain.course import ClinicSchedule
from services.scheduling.domain.diary import Diary
from services.scheduling.domain.slots import TAKEN
from services.scheduling.domain.work_queue import Proposal, proposals
from services.scheduling.store.looking import look
from services.scheduling.store.reading import find_booking, find_course, find_unplaced
from shared.events.base import Code, Fact, Identifier, Moment
from shared.events.clinical import TimeWish, Weekday
from shared.events.scheduling import SessionGivenUp, SlotRequested
from shared.ids import derived_id, random_id
from shared.messaging.service import Running

Key = Annotated[Identifier | None, Header(alias="Idempotency-Key")]
_PROPOSALS = 3
_SESSIONS = 200
"""More than a course has."""


class Page(BaseModel):
    """The query of `GET /work-queue`."""

    model_config = ConfigDict(extra="forbid")
    plan_id: Identifier | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class Wished(BaseModel):
    """The query of `GET /work-queue/PLAN/SEQUENCE`: which times would do, by the clinic's calendar and clocks."""

    model_config = ConfigDict(extra="forbid")
    not_before: date | None = None
    not_after: date | None = None
    weekday: list[Weekday] = []
    start: time | None = None
    end: time | None = None
    practitioner_id: Identifier | None = None
    most: Annotated[int, Field(ge=1, le=20)] = 8

    def wish(self) -> TimeWish:
        """The same as facts have it."""
        return TimeWish(**self.model_dump(exclude={"weekday", "most"}), weekdays=tuple(self.weekday))


class Chosen(BaseModel):
    """The time that staff have chosen: one of the proposals, or any other that is free."""

    model_config = ConfigDict(extra="forbid")
    start: Moment
    practitioner_id: Identifier
    room_id: Identifier


class Dismissal(BaseModel):
    """Why the session needs no time."""

    model_config = ConfigDict(extra="forbid")
    reason: Code


@dataclass(frozen=True, slots=True)
class WorkQueue:
    """The endpoints. An item closes by itself when its course changes, ends, or finds a time."""

    running: Running
    bearer: WhoAsks

    async def show(self, request: Request, page: Annotated[Page, Query()]) -> dict[str, Any]:
        """The sessions that have no time, those that should come first first, each with why and three proposals."""
        clinic_id = self.bearer(request).clinic_id
        async with self.running.engine.connect() as tx:
            rows = await find_unplaced(tx, clinic_id, page.limit + 1, page.plan_id)
        shown = rows[: page.limit]
        patients = sorted({row.patient_id for row in shown})
        schedule = await look(self.running.engine, self.running.clock, clinic_id, patients) if patients else None
        return {"sessions": [self._item(schedule, row) for row in shown], "more": len(rows) > page.limit}

    async def one(
        self, request: Request, plan_id: Identifier, sequence: int, wished: Annotated[Wished, Query()]
    ) -> dict[str, Any]:
        """One session that has no time, with the best times that suit a wish."""
        clinic_id = self.bearer(request).clinic_id
        async with self.running.engine.connect() as tx:
            rows = await find_unplaced(tx, clinic_id, _SESSIONS, plan_id)
        row = next((row for row in rows if row.sequence == sequence), None)
        if row is None:
            raise HTTPException(404, "This session is not without a time.")
        schedule = await look(self.running.engine, self.running.clock, clinic_id, [row.patient_id])
        return self._item(schedule, row, wished.most, wished.wish())

    async def resolve(
        self, request: Request, plan_id: Identifier, sequence: int, chosen: Chosen, key: Key = None
    ) -> dict[str, Any]:
        """Book a time for the session; 409 names what is in the way."""
        clinic_id, about = await self._about(request, plan_id, sequence, "resolve", key)
        fact = SlotRequested(
            **about, action="book", requested_at=self.running.clock.now(), **chosen.model_dump()
        )  # fmt: skip
        await self._admit(fact)
        async with self.running.engine.connect() as tx:
            row = await find_booking(tx, clinic_id, fact.request_id)
        if row is None:
            raise HTTPException(409, "This Idempotency-Key was used for something else.")
        return appointment_of(row)

    async def dismiss(
        self, request: Request, plan_id: Identifier, sequence: int, dismissal: Dismissal, key: Key = None
    ) -> dict[str, Any]:
        """Take the session out of the queue: it needs no time."""
        _, about = await self._about(request, plan_id, sequence, "dismiss", key)
        fact = SessionGivenUp(**about, reason=dismissal.reason, recorded_at=self.running.clock.now())
        await self._admit(fact)
        return {"plan_id": plan_id, "sequence": sequence, "given_up": True, "reason": dismissal.reason}

    async def _about(
        self, request: Request, plan_id: str, sequence: int, what: str, key: str | None
    ) -> tuple[str, dict[str, Any]]:
        bearer = self.bearer(request)
        async with self.running.engine.connect() as tx:
            course = await find_course(tx, bearer.clinic_id, plan_id)
        if course is None or sequence < 1:
            raise HTTPException(404, "This clinic has no such session of a course.")
        request_id = derived_id(what, bearer.clinic_id, bearer.system, key) if key else random_id()
        whose = {"clinic_id": bearer.clinic_id, "patient_id": course.patient_id}
        return bearer.clinic_id, {**whose, "request_id": request_id, "plan_id": plan_id, "sequence": sequence}

    async def _admit(self, fact: Fact) -> None:
        (outcome,) = await self.running.door.admit([self.running.door.own(fact)])
        if outcome.state == "refused":
            raise HTTPException(409 if outcome.pointer == TAKEN else 422, outcome.reason)

    def _item(
        self, schedule: ClinicSchedule | None, row: Row[Any], most: int = _PROPOSALS, wish: TimeWish | None = None
    ) -> dict[str, Any]:
        query = f"patient={row.patient_id}&plan={row.plan_id}&sequence={row.sequence}"
        item = {"patient_id": row.patient_id, "plan_id": row.plan_id, **session_of(row)}
        found = self._proposals(schedule, row, most, wish) if schedule else []
        return {**item, "proposals": found, "find": f"/fhir/Appointment/$find?{query}"}

    def _proposals(
        self, schedule: ClinicSchedule, row: Row[Any], most: int, wish: TimeWish | None
    ) -> list[dict[str, Any]]:
        calendar, patient = schedule.calendar, schedule.patients[row.patient_id]
        course = patient.courses.get(row.plan_id)
        if calendar is None or course is None or row.sequence not in course.sessions:
            return []
        diary = Diary(calendar, schedule.busy, patient, self.running.clock.now())
        session = course.sessions[row.sequence]
        return [_proposal(diary, each) for each in proposals(diary, course, session, most, wish)]


def mount_work_queue(queue: WorkQueue, app: FastAPI) -> None:
    """Add the routes."""
    item = "/work-queue/{plan_id}/{sequence}"
    app.add_api_route("/work-queue", queue.show, methods=["GET"])
    app.add_api_route(item, queue.one, methods=["GET"])
    app.add_api_route(f"{item}/resolve", queue.resolve, methods=["POST"], status_code=201)
    app.add_api_route(f"{item}/dismiss", queue.dismiss, methods=["POST"])


def _proposal(diary: Diary, found: Proposal) -> dict[str, Any]:
    names = diary.calendar.resources
    return {
        "start": iso(found.slot.start),
        "end": iso(found.slot.end),
        "practitioner_id": names[found.slot.practitioner].external_id,
        "room_id": names[found.slot.room].external_id,
        "breaks": [{"sequence": each.sequence, "rule": each.kind, "detail": each.detail} for each in found.breaks],
    }
