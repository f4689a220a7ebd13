"""The clinics' files as facts, where they differ from what is known."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import cast

import holidays

from services.scheduling.domain.calendars import compose
from services.scheduling.store.affected import any_shifted
from services.scheduling.store.calendars import described
from shared.clinics import Clinic, Closed, Practitioner, Room, Week, load_clinics
from shared.events.calendars import Bookable, ClinicDescribed, Closure, OpenHours
from shared.messaging.door import Door
from shared.messaging.service import Running

_YEARS_AHEAD = 3
_LOOK_SECONDS = 60.0


async def bring_in_clinics(running: Running) -> None:
    """Hand in what each of the clinics' files says, where it differs from what is known."""
    for clinic in load_clinics(running.settings.stride_clinics).values():
        await bring_in(running.door, clinic)


async def follow_the_years(running: Running) -> None:
    """Holidays reach some years ahead: bring the files in again whenever a year is over."""
    year = running.clock.now().year
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        if running.clock.now().year != year:
            await bring_in_clinics(running)
            year = running.clock.now().year


async def bring_in(door: Door, clinic: Clinic) -> None:
    """Hand in what one clinic's file says, where it differs from what is known.

    Also where newer zone data mean other instants by it: then the appointments go back to their wall time.
    """
    async with door.engine.connect() as tx:
        known = await described(tx, clinic.clinic_id)
        calendar = compose(known, {}, {})
        shifted = calendar is not None and await any_shifted(tx, calendar, door.clock.now())
    fact = description_of(clinic, door.clock.now(), known.revision + 1 if known else 1)
    same = known and fact.model_copy(update={"revision": known.revision, "recorded_at": known.recorded_at})
    if known is None or same != known or shifted:
        await door.admit([door.own(fact)])


def description_of(clinic: Clinic, now: datetime, revision: int) -> ClinicDescribed:
    """What a clinic's file says; with public holidays from last year to three years ahead."""
    return ClinicDescribed(
        clinic_id=clinic.clinic_id,
        revision=revision,
        recorded_at=now,
        zone=clinic.zone,
        slot_minutes=clinic.slot_minutes,
        buffer_minutes=clinic.buffer_minutes,
        horizon_days=clinic.horizon_days,
        notice_minutes=clinic.notice_hours * 60,
        firm_days=clinic.firm_days,
        hours=_hours(clinic.hours),
        resources=(*map(_practitioner, clinic.practitioners), *map(_room, clinic.rooms)),
        closed=tuple(_all_day(day) for day in sorted(_holidays(clinic, now.year))),
    )


def _practitioner(one: Practitioner) -> Bookable:
    return Bookable(
        kind="practitioner",
        id=one.id,
        offers=one.skills,
        hours=_hours(one.hours) if one.hours is not None else None,
        capacity=one.capacity,
        buffer_minutes=one.buffer_minutes,
        closed=_closures(one.closed),
    )


def _room(room: Room) -> Bookable:
    return Bookable(
        kind="room",
        id=room.id,
        offers=(room.kind,),
        capacity=room.capacity,
        buffer_minutes=room.buffer_minutes,
        closed=_closures(room.closed),
    )


def _hours(week: Week) -> tuple[OpenHours, ...]:
    return tuple(
        OpenHours(weekday=weekday, start=span.start, end=span.end) for weekday, spans in week.items() for span in spans
    )


def _closures(closed: tuple[Closed, ...]) -> tuple[Closure, ...]:
    return tuple(Closure(start=each.begin, end=each.until, reason=each.reason) for each in closed)


def _all_day(day: date) -> Closure:
    start = datetime.combine(day, time(0))
    return Closure(start=start, end=start + timedelta(days=1), reason="holiday")


def _holidays(clinic: Clinic, year: int) -> Iterator[date]:
    """The public holidays of the clinic's country, without those on which it works, and its own."""
    wanted = clinic.holidays
    if wanted is None:
        return
    years = range(year - 1, year + _YEARS_AHEAD + 1)
    found = holidays.country_holidays(wanted.country, subdiv=wanted.subdivision, years=years)
    days = set(cast(Mapping[date, str], found)) | set(wanted.also)
    yield from days - set(wanted.open)
