"""Appointments and courses, read by staff and clinic systems, within the token's clinic."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row
from starlette.exceptions import HTTPException

from services.scheduling.api.bearers import WhoAsks
from services.scheduling.domain.course import Status
from services.scheduling.store.calendars import described
from services.scheduling.store.reading import Wish, find_appointments, find_course, find_sessions
from shared.events.base import Identifier, Moment
from shared.messaging.service import Running

_LIMIT = 1000


def mount_desk(desk: "Desk", app: FastAPI) -> None:
    """Add the routes."""
    app.add_api_route("/appointments", desk.appointments, methods=["GET"])
    app.add_api_route("/courses/{plan_id}", desk.course, methods=["GET"])


class Asked(BaseModel):
    """The query of `GET /appointments`."""

    model_config = ConfigDict(extra="forbid")

    plan_id: Identifier | None = None
    patient_id: Identifier | None = None
    status: Status | None = None
    since: Annotated[Moment | None, Field(alias="from")] = None
    until: Annotated[Moment | None, Field(alias="to")] = None


@dataclass(frozen=True, slots=True)
class Desk:
    """The endpoints."""

    running: Running
    bearer: WhoAsks

    async def appointments(self, request: Request, asked: Annotated[Asked, Query()]) -> dict[str, Any]:
        """Appointments that start from `from` up to `to`, earliest first: 1000, and whether there are `more`."""
        bearer = self.bearer(request)
        wish = Wish(asked.plan_id, asked.patient_id, asked.since, asked.until, asked.status, _LIMIT + 1)
        async with self.running.engine.connect() as tx:
            rows = await find_appointments(tx, bearer.clinic_id, wish)
        return {"appointments": [appointment_of(row) for row in rows[:_LIMIT]], "more": len(rows) > _LIMIT}

    async def course(self, request: Request, plan_id: Identifier) -> dict[str, Any]:
        """One course: its state, its sessions in order, and every appointment made for it."""
        bearer = self.bearer(request)
        async with self.running.engine.connect() as tx:
            course = await find_course(tx, bearer.clinic_id, plan_id)
            if course is None:
                raise HTTPException(404, "This clinic has no course of that plan.")
            sessions = await find_sessions(tx, course)
            appointments = await find_appointments(tx, bearer.clinic_id, Wish(plan_id=plan_id))
            clinic = await described(tx, bearer.clinic_id)
        return {
            "plan_id": course.plan_id,
            "plan_version": course.plan_version,
            "patient_id": course.patient_id,
            "state": course.state,
            "ended_at": iso(course.ended_at),
            "zone": clinic.zone if clinic else "UTC",
            "sessions": [session_of(row) for row in sessions],
            "appointments": [appointment_of(row) for row in appointments],
        }


def appointment_of(row: Row[Any]) -> dict[str, Any]:
    """An appointment as staff read it."""
    return {
        "id": row.id,
        "version": row.version,
        "status": row.status,
        "cancelation_reason": row.reason if row.state == "cancelled" else None,
        "plan_id": row.plan_id,
        "patient_id": row.patient_id,
        "sequence": row.sequence,
        "start": iso(row.start_at),
        "end": iso(row.end_at),
        "practitioner_id": row.practitioner_id,
        "room_id": row.room_id,
        "replaces": row.replaces,
        "session_id": row.session_id,
    }


def session_of(row: Row[Any]) -> dict[str, Any]:
    """A session as staff read it."""
    unplaced = {
        "reason": row.unplaced_reason,
        "detail": row.unplaced_detail,
        "earliest": iso(row.earliest),
        "latest": iso(row.latest),
    }
    return {
        "sequence": row.sequence,
        "phase": row.phase,
        "min_gap_days": row.min_gap_days,
        "max_gap_days": row.max_gap_days,
        "minutes": row.minutes,
        "given_up": row.given_up,
        "unplaced": unplaced if row.unplaced_reason else None,
    }


def iso(moment: datetime | None) -> str | None:
    """An instant as RFC 3339 has it, in UTC."""
    return moment.isoformat().replace("+00:00", "Z") if moment else None
