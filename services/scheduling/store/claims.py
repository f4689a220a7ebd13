"""Who is taken when: read for the days that can be booked, written as ranges that may not overlap."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduling.domain.busy import Busy
from services.scheduling.domain.calendar import ClinicCalendar, minutes_between
from services.scheduling.domain.course import Appointment
from services.scheduling.domain.diary import claims

_BUSY = text("""
    SELECT resource,
        array_agg(CAST(extract(epoch FROM lower(during)) AS bigint) / 60) AS starts,
        array_agg(CAST(extract(epoch FROM upper(during)) AS bigint) / 60) AS ends
    FROM claim
    WHERE live AND resource = ANY(:resources) AND lower(during) >= :since AND lower(during) < :until
    GROUP BY resource
""")
_RETIRE = text("UPDATE claim SET live = false WHERE live AND appointment_id = ANY(:appointments)")
_CLAIM = text("""
    INSERT INTO claim (appointment_id, resource, during)
    SELECT appointment_id, resource, tstzrange(starts, ends)
    FROM unnest(CAST(:appointments AS text[]), CAST(:resources AS bigint[]),
        CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]))
        AS new (appointment_id, resource, starts, ends)
    ORDER BY resource, starts
""")


async def load_busy(
    tx: AsyncConnection, resources: Mapping[str, Sequence[int]], calendars: Mapping[str, ClinicCalendar], now: datetime
) -> dict[str, Busy]:
    """By clinic, the taken minutes from yesterday to the horizon; history costs nothing."""
    if not resources:
        return {}
    horizon = max(calendars[clinic].horizon_days for clinic in resources)
    rows = await tx.execute(
        _BUSY,
        {
            "resources": sorted(i for ids in resources.values() for i in ids),
            "since": now - timedelta(days=1),
            "until": now + timedelta(days=horizon + 2),
        },
    )
    clinic_of = {i: clinic for clinic, ids in resources.items() for i in ids}
    masks: dict[str, dict[int, Mapping[int, int]]] = {clinic: {} for clinic in resources}
    for row in rows:
        clinic = clinic_of[row.resource]
        masks[clinic][row.resource] = _masks(calendars[clinic], row.starts, row.ends)
    return {clinic: Busy(taken) for clinic, taken in masks.items()}


async def write_claims(tx: AsyncConnection, retired: Iterable[str], taken: Iterable[tuple[int, Appointment]]) -> None:
    """Free what `retired` appointments held, then take the times of `taken` (patient's resource, appointment).

    Raises:
        DBAPIError: SQLSTATE 23P01 where a time is taken already.
    """
    gone = sorted(set(retired))
    if gone:
        await tx.execute(_RETIRE, {"appointments": gone})
    rows: list[dict[str, Any]] = [
        {"appointments": appointment.appointment_id, "resources": resource, "starts": start, "ends": end}
        for patient, appointment in taken
        for resource, start, end in claims(patient, appointment)
    ]
    if rows:
        await tx.execute(_CLAIM, {name: [row[name] for row in rows] for name in rows[0]})


def _masks(calendar: ClinicCalendar, starts: Sequence[int], ends: Sequence[int]) -> dict[int, int]:
    """Minutes since 1970 as bits of local days."""
    first = _day_at(calendar, min(starts))
    last = _day_at(calendar, max(ends)) + 1
    begins = [calendar.first_minute(day) for day in range(first, last + 1)]
    masks: dict[int, int] = {}
    for start, end in zip(starts, ends, strict=True):
        index = bisect_right(begins, start) - 1
        while begins[index] < end:
            begin = begins[index]
            mask = minutes_between(max(start - begin, 0), min(end, begins[index + 1]) - begin)
            masks[first + index] = masks.get(first + index, 0) | mask
            index += 1
    return masks


def _day_at(calendar: ClinicCalendar, minute: int) -> int:
    return calendar.day_of(datetime.fromtimestamp(minute * 60, calendar.zone))
