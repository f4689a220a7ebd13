"""Reading the calendar: a clinic's appointments of some days, one of them, and when nothing can be booked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.domain.calendar.booked import Asked, Booked, Held
from shared.events.base import Fact
from shared.messaging import wire

MOST: Final = 2000
"""Appointments on one page: more than a clinic has in a week with forty practitioners."""

_COLUMNS: Final = ", ".join(
    f"a.{name}" for name in (
        "patient_id", "appointment_id", "plan_id", "sequence", "version", "state", "reason", "start_at", "end_at",
        "practitioner_id", "room_id",
    )
)  # fmt: skip
_FROM: Final = f"""
    SELECT {_COLUMNS}, r.request_id, r.change, r.requested_at, r.start_at AS wanted_at,
        r.practitioner_id AS wanted_practitioner_id, r.room_id AS wanted_room_id, r.refused
    FROM appointment a LEFT JOIN LATERAL (
        SELECT * FROM appointment_request
        WHERE clinic_id = a.clinic_id AND appointment_id = a.appointment_id AND patient_id = a.patient_id
            AND seen_version = a.version
        ORDER BY requested_at DESC, request_id DESC LIMIT 1) r ON true
    WHERE a.clinic_id = :clinic_id AND a.placed_version > 0
"""  # noqa: S608
_DAYS = text(f"""
    {_FROM} AND a.start_at >= :since AND a.start_at < :until
        AND (CAST(:practitioner_id AS text) IS NULL OR a.practitioner_id = :practitioner_id)
        AND (CAST(:room_id AS text) IS NULL OR a.room_id = :room_id)
        AND (a.state <> 'cancelled' OR CAST(:cancelled AS boolean))
    ORDER BY a.start_at, a.appointment_id LIMIT :most
""")
_ONE = text(f"{_FROM} AND a.appointment_id = :appointment_id")
_COURSE = text(f"""
    {_FROM} AND a.patient_id = :patient_id AND a.plan_id = :plan_id AND a.state <> 'cancelled' ORDER BY a.start_at
""")
_NEXT = text("""
    SELECT DISTINCT ON (patient_id, plan_id) patient_id, plan_id, start_at FROM appointment
    WHERE clinic_id = :clinic_id AND patient_id = ANY(:patients) AND state = 'booked' AND start_at > :now
    ORDER BY patient_id, plan_id, start_at
""")
_HELD = text("""
    SELECT patient_id, started_at, plan_id, appointment_id FROM attendance
    WHERE clinic_id = :clinic_id AND NOT voided AND started_at >= :since AND started_at < :until
    UNION
    SELECT patient_id, started_at, plan_id, appointment_id FROM attendance
    WHERE clinic_id = :clinic_id AND NOT voided AND started_at IS NOT NULL AND appointment_id = ANY(:ids)
""")
_CALENDARS = text("SELECT slot FROM calendar WHERE clinic_id = :clinic_id ORDER BY slot")
_CALENDAR_FACTS = text("""
    SELECT type, payload::text AS payload FROM fact
    WHERE clinic_id = :clinic_id AND patient_id = '' AND slot = ANY(:slots)
""")


class Wanted(NamedTuple):
    """Which appointments: those that start from `since` up to `until`; of one practitioner or room, or of all."""

    clinic_id: str
    since: datetime
    until: datetime
    practitioner_id: str | None = None
    room_id: str | None = None
    cancelled: bool = False


async def between(tx: AsyncConnection, wanted: Wanted) -> list[Booked]:
    """The earliest first; `MOST` of them at most."""
    rows = await tx.execute(_DAYS, {**wanted._asdict(), "most": MOST})
    return [_booked(row) for row in rows.all()]


async def one(tx: AsyncConnection, clinic_id: str, appointment_id: str) -> Booked | None:
    """One appointment of the clinic."""
    row = (await tx.execute(_ONE, {"clinic_id": clinic_id, "appointment_id": appointment_id})).first()
    return _booked(row) if row else None


async def of_course(tx: AsyncConnection, clinic_id: str, booked: Booked) -> list[Booked]:
    """All appointments of the same course that are not cancelled, by start."""
    about = {"clinic_id": clinic_id, "patient_id": booked.patient_id, "plan_id": booked.plan_id}
    rows = await tx.execute(_COURSE, about)
    return [_booked(row) for row in rows.all()]


async def next_starts(
    tx: AsyncConnection, clinic_id: str, patients: Sequence[str], now: datetime
) -> dict[tuple[str, str], datetime]:
    """When the next appointment of each course begins, by patient and plan; without those that have none."""
    rows = await tx.execute(_NEXT, {"clinic_id": clinic_id, "patients": list(patients), "now": now})
    return {(row.patient_id, row.plan_id): row.start_at for row in rows.all()}


async def held(tx: AsyncConnection, clinic_id: str, span: tuple[datetime, datetime], ids: Sequence[str]) -> list[Held]:
    """Sessions that were held within the span, or that name one of these appointments."""
    about = {"clinic_id": clinic_id, "since": span[0], "until": span[1], "ids": list(ids)}
    rows = await tx.execute(_HELD, about)
    return [Held(*row) for row in rows.all()]


async def calendar_slots(tx: AsyncConnection, clinic_id: str) -> list[str]:
    """Names the newest fact of each of the clinic's calendars: as long as they are the same, nothing has changed."""
    return list((await tx.execute(_CALENDARS, {"clinic_id": clinic_id})).scalars())


async def calendar_facts(tx: AsyncConnection, clinic_id: str, slots: Sequence[str]) -> list[Fact]:
    """What these calendars say."""
    rows = await tx.execute(_CALENDAR_FACTS, {"clinic_id": clinic_id, "slots": list(slots)})
    return [wire.read_fact(wire.known_type(row.type), row.payload.encode()) for row in rows.all()]


def _booked(row: Row[Any]) -> Booked:
    asked = (row.request_id, row.change, row.requested_at, row.wanted_at, row.wanted_practitioner_id,
             row.wanted_room_id, row.refused)  # fmt: skip
    return Booked(*tuple(row)[:11], asked=Asked(*asked) if row.request_id else None)
