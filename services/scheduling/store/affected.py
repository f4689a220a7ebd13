"""Whose appointments a changed calendar no longer allows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduling.domain.calendar import ClinicCalendar
from services.scheduling.domain.course import ClinicSchedule
from services.scheduling.domain.decide import take_calendar
from services.scheduling.store.calendars import CALENDARS, Known
from shared.events.base import Fact
from shared.events.calendars import CalendarChanged, ClinicDescribed, unknown_zones

_AHEAD = text("""
    SELECT a.clinic_id, a.patient_id, patient.id AS patient, a.practitioner, a.room, a.start_at, a.end_at,
        a.local_start, a.local_zone
    FROM appointment AS a JOIN resource AS patient
        ON patient.clinic_id = a.clinic_id AND patient.kind = 'patient' AND patient.external_id = a.patient_id
    WHERE a.clinic_id = ANY(:clinics) AND a.status = 'booked' AND a.start_at > :now
""")


async def affected_patients(
    tx: AsyncConnection, known: Mapping[str, Known], facts: Sequence[Fact], now: datetime, *, everyone: bool
) -> set[tuple[str, str]]:
    """Clinic and id of the patients whose appointments don't fit any more, after any of the calendars in `facts`.

    With `everyone`, all who have appointments ahead.
    """
    coming = [fact for fact in facts if isinstance(fact, CALENDARS)]
    if not coming:
        return set()
    versions = _versions(known, coming)
    rows = await tx.execute(_AHEAD, {"clinics": sorted({fact.clinic_id for fact in coming}), "now": now})
    return {
        (row.clinic_id, row.patient_id) for row in rows.all() if everyone or not _fits(versions[row.clinic_id], row)
    }


def _versions(
    known: Mapping[str, Known], coming: Sequence[ClinicDescribed | CalendarChanged]
) -> dict[str, list[ClinicCalendar]]:
    """By clinic, its calendar after each of the facts, one after another."""
    schedules = {
        name: ClinicSchedule(name, each.calendar, clinic=each.clinic, calendars=each.calendars, places=each.places)
        for name, each in known.items()
    }
    versions: dict[str, list[ClinicCalendar]] = {fact.clinic_id: [] for fact in coming}
    for fact in coming:
        if not unknown_zones(fact):
            taken = take_calendar(schedules[fact.clinic_id], fact)
            schedules[fact.clinic_id] = taken
            versions[fact.clinic_id] += [taken.calendar] if taken.calendar else []
    return versions


def _fits(versions: Sequence[ClinicCalendar], row: Row[Any]) -> bool:
    what = row.start_at, row.end_at, row.practitioner, row.room, row.patient
    meant = row.start_at, row.local_start, row.local_zone
    return all(calendar.allows(*what) and not calendar.has_shifted(*meant) for calendar in versions)


async def any_shifted(tx: AsyncConnection, calendar: ClinicCalendar, now: datetime) -> bool:
    """Whether newer zone data mean another instant by the wall time of any appointment ahead."""
    rows = await tx.execute(_AHEAD, {"clinics": [calendar.clinic_id], "now": now})
    return any(calendar.has_shifted(row.start_at, row.local_start, row.local_zone) for row in rows.all())
