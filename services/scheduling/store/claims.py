"""Who is taken when: read for the days that can be booked, written as ranges that may not overlap."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduling.domain.busy import Busy
from services.scheduling.domain.calendar import ClinicCalendar
from services.scheduling.domain.course import Appointment, Hold
from services.scheduling.domain.diary import claims
from services.scheduling.domain.minutes import minutes_between
from shared.database import fetch

_REMEMBERED = 10_000
"""Resources kept in memory, patients among them; some 20 kB each at the very most."""
BUSY = text("""
    SELECT resource,
        array_agg(CAST(extract(epoch FROM lower(during)) AS bigint) / 60) AS starts,
        array_agg(CAST(extract(epoch FROM upper(during)) AS bigint) / 60) AS ends
    FROM claim
    WHERE live AND resource = ANY(:resources) AND lower(during) >= :since
    GROUP BY resource
""")
_RETIRE = text("UPDATE claim SET live = false WHERE live AND appointment_id = ANY(:appointments) RETURNING resource")
_REVISE = text("UPDATE resource SET revision = revision + 1 WHERE id = ANY(:resources)")
_EXPIRED = text("SELECT DISTINCT clinic_id FROM hold WHERE state = 'open' AND expires_at <= :now")
_EXPIRE = text("""
    UPDATE hold SET state = 'expired' WHERE clinic_id = ANY(:clinics) AND state = 'open' AND expires_at <= :now
    RETURNING hold_id
""")
_CLAIM = text("""
    WITH claimed AS (
        INSERT INTO claim (appointment_id, resource, during)
        SELECT appointment_id, resource, tstzrange(starts, ends)
        FROM unnest(CAST(:appointments AS text[]), CAST(:resources AS bigint[]),
            CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]))
            AS new (appointment_id, resource, starts, ends)
        ORDER BY resource, starts RETURNING resource)
    UPDATE resource SET revision = revision + 1
    WHERE id IN (SELECT resource FROM claimed) OR id = ANY(CAST(:freed AS bigint[]))
""")


class BusyTimes:
    """Reads who is taken from yesterday on. History costs nothing, and what has not changed is not read again.

    What is remembered of a resource was read under its lock and belongs to its revision, which rises
    in every transaction that changes its claims. A transaction that fails leaves both as they were.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[tuple[int, str], Mapping[int, int]]] = {}

    async def of_clinics(
        self,
        tx: AsyncConnection,
        resources: Mapping[str, Mapping[int, int]],
        calendars: Mapping[str, ClinicCalendar],
        now: datetime,
    ) -> dict[str, Busy]:
        """The taken minutes of each clinic's locked resources, given with their revisions."""
        current = {
            resource: ((revision, calendars[clinic].zone.key), clinic)
            for clinic, revisions in resources.items()
            for resource, revision in revisions.items()
        }
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        outdated = sorted(i for i, (version, _) in current.items() if self._known.get(i, (None,))[0] != version)
        if outdated:
            rows = await fetch(tx, BUSY, {"resources": outdated, "since": now - timedelta(days=1)})
            self._known |= {resource: (current[resource][0], {}) for resource in outdated}
            for resource, starts, ends in rows:
                version, clinic = current[resource]
                self._known[resource] = (version, _masks(calendars[clinic], starts, ends))
        return {clinic: Busy({i: self._known[i][1] for i in revisions}) for clinic, revisions in resources.items()}


async def write_claims(
    tx: AsyncConnection, retired: Iterable[str], taken: Iterable[tuple[int, Appointment | Hold]]
) -> None:
    """Free what `retired` appointments held, then take the times of `taken` (patient's resource, appointment).

    Raises:
        DBAPIError: SQLSTATE 23P01 where a time is taken already.
    """
    gone = sorted(set(retired))
    freed = [resource for (resource,) in await fetch(tx, _RETIRE, {"appointments": gone})] if gone else []
    rows: list[dict[str, Any]] = [
        {"appointments": _owner(appointment), "resources": resource, "starts": start, "ends": end}
        for patient, appointment in taken
        for resource, start, end in claims(patient, appointment)
    ]
    if rows:
        await fetch(tx, _CLAIM, {"freed": freed, **{name: [row[name] for row in rows] for name in rows[0]}})
    elif freed:
        await fetch(tx, _REVISE, {"resources": freed})


def _owner(taken: Appointment | Hold) -> str:
    return taken.hold_id if isinstance(taken, Hold) else taken.appointment_id


async def clinics_with_expired(tx: AsyncConnection, now: datetime) -> Sequence[str]:
    """The clinics that hold slots whose time is over."""
    return (await tx.scalars(_EXPIRED, {"now": now})).all()


async def retire_expired(tx: AsyncConnection, clinics: Sequence[str], now: datetime) -> None:
    """Free what was held until now or before. To be done under the clinics' locks."""
    expired = list(await tx.scalars(_EXPIRE, {"clinics": list(clinics), "now": now}))
    resources = set(await tx.scalars(_RETIRE, {"appointments": expired}))
    await tx.execute(_REVISE, {"resources": sorted(resources)})


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
