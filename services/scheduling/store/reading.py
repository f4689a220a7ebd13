"""What people may read of the schedule: always within one clinic."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduling.tables import APPOINTMENT, COURSE, HOLD, RESOURCE, SESSION

PRACTITIONER_OF, ROOM_OF = RESOURCE.alias("practitioner_resource"), RESOURCE.alias("room_resource")
APPOINTMENTS_BY_START = (
    select(
        APPOINTMENT,
        PRACTITIONER_OF.c.external_id.label("practitioner_id"),
        ROOM_OF.c.external_id.label("room_id"),
    )
    .join(PRACTITIONER_OF, PRACTITIONER_OF.c.id == APPOINTMENT.c.practitioner)
    .join(ROOM_OF, ROOM_OF.c.id == APPOINTMENT.c.room)
    .order_by(APPOINTMENT.c.start_at, APPOINTMENT.c.id)
)
HOLDS = (
    select(HOLD, PRACTITIONER_OF.c.external_id.label("practitioner_id"), ROOM_OF.c.external_id.label("room_id"))
    .join(PRACTITIONER_OF, PRACTITIONER_OF.c.id == HOLD.c.practitioner)
    .join(ROOM_OF, ROOM_OF.c.id == HOLD.c.room)
)


@dataclass(frozen=True, slots=True)
class Wish:
    """Which appointments somebody asks for; what is None does not restrict."""

    plan_id: str | None = None
    patient_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    status: str | None = None
    limit: int = 1000


async def find_appointments(tx: AsyncConnection, clinic_id: str, wish: Wish) -> Sequence[Row[Any]]:
    """Appointments of one clinic by start; with `since` and `until`, those that start in between."""
    query = APPOINTMENTS_BY_START.where(APPOINTMENT.c.clinic_id == clinic_id).limit(wish.limit)
    same = {"plan_id": wish.plan_id, "patient_id": wish.patient_id, "status": wish.status}
    for name, value in same.items():
        query = query.where(APPOINTMENT.c[name] == value) if value is not None else query
    if wish.since:
        query = query.where(APPOINTMENT.c.start_at >= wish.since)
    if wish.until:
        query = query.where(APPOINTMENT.c.start_at < wish.until)
    return (await tx.execute(query)).all()


async def find_course(tx: AsyncConnection, clinic_id: str, plan_id: str) -> Row[Any] | None:
    """The course of a plan, where the clinic has one."""
    mine = (COURSE.c.clinic_id == clinic_id) & (COURSE.c.plan_id == plan_id) & COURSE.c.terms.is_not(None)
    return (await tx.execute(select(COURSE).where(mine))).one_or_none()


async def find_sessions(tx: AsyncConnection, course: Row[Any]) -> Sequence[Row[Any]]:
    """The sessions of a course, in their order."""
    whose = (SESSION.c.clinic_id == course.clinic_id) & (SESSION.c.patient_id == course.patient_id)
    query = select(SESSION).where(whose, SESSION.c.plan_id == course.plan_id).order_by(SESSION.c.sequence)
    return (await tx.execute(query)).all()


async def find_appointment(tx: AsyncConnection, clinic_id: str, appointment_id: str) -> Row[Any] | None:
    """One appointment of the clinic."""
    mine = (APPOINTMENT.c.clinic_id == clinic_id) & (APPOINTMENT.c.id == appointment_id)
    return (await tx.execute(APPOINTMENTS_BY_START.where(mine))).one_or_none()


async def find_booking(tx: AsyncConnection, clinic_id: str, booking_id: str) -> Row[Any] | None:
    """The appointment that was booked by a request."""
    mine = (APPOINTMENT.c.clinic_id == clinic_id) & (APPOINTMENT.c.booking_id == booking_id)
    return (await tx.execute(APPOINTMENTS_BY_START.where(mine))).one_or_none()


_TAKEN_IN = text("SELECT FROM inbox WHERE source = '/stride/scheduling' AND event_id = :event_id")


async def was_taken_in(tx: AsyncConnection, event_id: str) -> bool:
    """Whether just this was asked here before, and done."""
    return (await tx.execute(_TAKEN_IN, {"event_id": event_id})).rowcount > 0


async def find_hold(tx: AsyncConnection, clinic_id: str, hold_id: str) -> Row[Any] | None:
    """One hold of the clinic."""
    return (await tx.execute(HOLDS.where(HOLD.c.clinic_id == clinic_id, HOLD.c.hold_id == hold_id))).one_or_none()


async def find_unplaced(
    tx: AsyncConnection, clinic_id: str, limit: int, plan_id: str | None = None
) -> Sequence[Row[Any]]:
    """The sessions (of one course or of all) that have no time, those that should come first first."""
    mine = (SESSION.c.clinic_id == clinic_id) & SESSION.c.unplaced_reason.is_not(None) & ~SESSION.c.given_up
    mine = mine & (SESSION.c.plan_id == plan_id) if plan_id else mine
    query = select(SESSION).where(mine).order_by(SESSION.c.earliest, SESSION.c.plan_id, SESSION.c.sequence)
    return (await tx.execute(query.limit(limit))).all()
