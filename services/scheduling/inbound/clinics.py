"""The clinics' files as facts, where they differ from what is known."""

import asyncio
from datetime import datetime

from services.scheduling.domain.calendars import compose
from services.scheduling.store.affected import any_shifted
from services.scheduling.store.calendars import described
from shared.clinic_calendars import closures, holiday_closures, open_hours
from shared.clinics import Clinic, Practitioner, Room, load_clinics
from shared.events.calendars import Bookable, ClinicDescribed
from shared.messaging.door import Door
from shared.messaging.service import Running

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
        hours=open_hours(clinic.hours),
        resources=(*map(_practitioner, clinic.practitioners), *map(_room, clinic.rooms)),
        closed=holiday_closures(clinic.holidays, now.year),
    )


def _practitioner(one: Practitioner) -> Bookable:
    return Bookable(
        kind="practitioner",
        id=one.id,
        offers=one.skills,
        hours=open_hours(one.hours) if one.hours is not None else None,
        capacity=one.capacity,
        buffer_minutes=one.buffer_minutes,
        closed=closures(one.closed),
    )


def _room(room: Room) -> Bookable:
    return Bookable(
        kind="room",
        id=room.id,
        offers=(room.kind,),
        capacity=room.capacity,
        buffer_minutes=room.buffer_minutes,
        closed=closures(room.closed),
    )
