"""Time that a decision has set free: it can be offered to somebody who waits."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.scheduling.domain.calendar import ClinicCalendar
from services.scheduling.domain.course import Appointment, ClinicSchedule, Hold, Patient
from services.scheduling.domain.diary import Diary
from services.scheduling.domain.minutes import MINUTE, runs
from services.scheduling.domain.slots import Slot
from services.scheduling.domain.waitlist import Candidate, candidates

REACH: Final = timedelta(days=21)
"""Time further ahead is not offered: it fills by itself."""
_PIECE, _LEAST = 60, 30
"""Minutes into which a longer stretch is cut, and of the shortest piece: what sessions last."""


@dataclass(frozen=True, slots=True)
class Freed:
    """A practitioner is free from `start` to `end`; what was there was in `room`."""

    practitioner: int
    start: datetime
    end: datetime
    room: int | None = None
    left_by: str | None = None
    """Whose it was: they did not want it."""


def freed(before: ClinicSchedule, after: ClinicSchedule, now: datetime) -> list[Freed]:
    """What is free after a decision and was not before it, from now to `REACH` ahead."""
    found = [*_left(before, after)]
    if before.calendar and after.calendar and after.calendar is not before.calendar:
        found += _opened(before.calendar, after, now)
    return [each for each in found if now < each.start < now + REACH]


def _left(before: ClinicSchedule, after: ClinicSchedule) -> Iterator[Freed]:
    for name, patient in after.patients.items():
        known = before.patients[name]
        if patient is not known:
            for old, new in _pairs(known, patient):
                if _keeps(old) and not (_keeps(new) and _place(old) == _place(new)):
                    yield Freed(old.practitioner, old.start, old.end, old.room, name)


def _pairs(known: Patient, patient: Patient) -> Iterator[tuple[Appointment | Hold, Appointment | Hold]]:
    """The appointments and offers that may have changed."""
    for plan_id, course in known.courses.items():
        later = patient.courses[plan_id]
        if later is not course:
            yield from ((old, later.appointments[name]) for name, old in course.appointments.items())
    for hold_id, hold in known.holds.items():
        later_hold = patient.holds[hold_id]
        if hold.offered_at and later_hold.state != "confirmed":
            yield hold, later_hold


def _keeps(taken: Appointment | Hold) -> bool:
    return taken.claims if isinstance(taken, Appointment) else taken.state == "open"


def _place(taken: Appointment | Hold) -> tuple[datetime, int]:
    return taken.start, taken.practitioner


def _opened(before: ClinicCalendar, after: ClinicSchedule, now: datetime) -> Iterator[Freed]:
    """Practitioners' time that another calendar opens: leave that is withdrawn, a holiday on which the clinic works."""
    calendar = after.calendar
    assert calendar
    for who in calendar.resources.values():
        if who.kind == "practitioner" and who.id in before.resources:
            for day in range(calendar.day_of(now), calendar.day_of(now + REACH) + 1):
                new = calendar.open_minutes(who.id, day) & ~before.open_minutes(who.id, day)
                for begin, end in runs(new & ~after.busy.on(who.id, day)):
                    yield from _pieces(calendar, who.id, day, begin, end)


def _pieces(calendar: ClinicCalendar, practitioner: int, day: int, begin: int, end: int) -> Iterator[Freed]:
    first = begin + -begin % calendar.slot_minutes
    for start in range(first, end - _LEAST + 1, _PIECE):
        until = min(start + _PIECE, end)
        yield Freed(practitioner, calendar.moment(day, start), calendar.moment(day, until))


def slots_in(schedule: ClinicSchedule, practitioner_id: str, room_id: str | None, start: datetime) -> Iterator[Slot]:
    """The slots that begin with freed time, in the room that was left or else one of each kind that is free."""
    calendar = schedule.calendar
    assert calendar
    spans = list(calendar.spans(start, start + _LEAST * MINUTE))

    def free(resource: int) -> bool:
        return all(
            not mask & (~calendar.open_minutes(resource, day) | schedule.busy.on(resource, day)) for day, mask in spans
        )

    resources = calendar.resources.values()
    places = [each.id for each in resources if (each.kind, each.external_id) == ("practitioner", practitioner_id)]
    rooms = sorted((each for each in resources if each.kind == "room"), key=lambda each: each.external_id != room_id)
    kinds = {room.offers: room.id for room in reversed(rooms) if free(room.id)}
    for place in filter(free, places):
        for room in kinds.values():
            yield Slot(start, start + _LEAST * MINUTE, place, room)


def candidates_for(schedule: ClinicSchedule, patient_id: str, slots: Iterable[Slot], now: datetime) -> list[Candidate]:
    """What would be better for a patient in the first of the slots that serves at all."""
    assert schedule.calendar
    diary = Diary(schedule.calendar, schedule.busy, schedule.patients[patient_id], now)
    return next((found for slot in slots if (found := list(candidates(diary, slot)))), [])
