"""Slots: a time with a practitioner and a room, what is in its way, and which are free."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from services.scheduling.domain.booking import terms_of
from services.scheduling.domain.course import Course
from services.scheduling.domain.diary import Diary
from services.scheduling.domain.minutes import minutes_since_1970
from services.scheduling.domain.openings import Opening
from shared.messaging.errors import Refused

TAKEN: Final = "/slot"
"""The pointer of a refusal because something is in the way there; any other request is wrong in itself."""
_DAYS_LISTED = 62


@dataclass(frozen=True, slots=True)
class Slot:
    """A start with a practitioner and a room, by the ids of the clinic's resources."""

    start: datetime
    end: datetime
    practitioner: int
    room: int


class Blocker(NamedTuple):
    """Something in the way of a slot, as a code, and in a few words without anybody's name."""

    code: str
    words: str


def blockers(diary: Diary, slot: Slot, notice: timedelta | None = None) -> Iterator[Blocker]:
    """What is in the way of a slot; `notice` in place of the clinic's."""
    calendar, busy = diary.calendar, diary.busy
    if slot.start < diary.now + (calendar.notice if notice is None else notice):
        yield Blocker("notice", "the clinic's minimum notice")
    if calendar.day_of(slot.start) > diary.last_day:
        yield Blocker("horizon", "the clinic's horizon")
    if not calendar.start_grid(calendar.day_of(slot.start)) >> _minute(diary, slot) & 1:
        yield Blocker("grid", "the clinic's grid of starts")
    patient = diary.patient.resource
    if any(mask & calendar.closed_minutes(patient, day) for day, mask in calendar.spans(slot.start, slot.end)):
        yield Blocker("patient-away", "the patient can't come")
    if any(mask & busy.on(patient, day) for day, mask in calendar.spans(slot.start, slot.end)):
        yield Blocker("patient-taken", "the patient has another appointment")
    yield from _unavailable(diary, slot, "practitioner", slot.practitioner)
    yield from _unavailable(diary, slot, "room", slot.room)


def _unavailable(diary: Diary, slot: Slot, kind: str, resource: int) -> Iterator[Blocker]:
    calendar, name = diary.calendar, f"{kind} {diary.calendar.resources[resource].external_id}"
    after = slot.end + timedelta(minutes=calendar.buffer_of(resource))
    if any(mask & ~calendar.open_minutes(resource, day) for day, mask in calendar.spans(slot.start, slot.end)):
        yield Blocker(f"{kind}-closed", f"{name} is closed")
    if any(mask & diary.busy.on(resource, day) for day, mask in calendar.spans(slot.start, after)):
        yield Blocker(f"{kind}-taken", f"{name} is taken")


def free_slots(
    diary: Diary, course: Course, first: datetime, last: datetime, practitioner: str | None = None
) -> Iterator[Slot]:
    """The free slots for a session of a course that start from `first` up to `last`, earliest first."""
    openings, calendar = diary.openings(course), diary.calendar
    minutes = timedelta(minutes=terms_of(course).session_minutes)
    able = [who for who in openings.practitioners if practitioner in (None, calendar.resources[who].external_id)]
    begin = calendar.day_of(max(first, diary.now + calendar.notice))
    for day in range(begin, min(calendar.day_of(last), diary.last_day, begin + _DAYS_LISTED) + 1):
        grid = calendar.start_grid(day)
        for minute in (minute for minute in range(grid.bit_length()) if grid >> minute & 1):
            start = calendar.moment(day, minute)
            if first <= start < last:
                for who in able:
                    slots = (Slot(start, start + minutes, who, room) for room in openings.rooms)
                    found = next((slot for slot in slots if not any(blockers(diary, slot))), None)
                    if found:
                        yield found


def named_slot(diary: Diary, course: Course, start: datetime, practitioner_id: str, room_id: str) -> Slot:
    """The slot of a session of a course with a practitioner and a room, by their names.

    Raises:
        Refused: the clinic has none of these names that the session could have.
    """
    terms = terms_of(course)
    end = start + timedelta(minutes=terms.session_minutes)
    who = _free_place(diary, ("practitioner", practitioner_id, terms.skill), start, end)
    room = _free_place(diary, ("room", room_id, terms.room_kind), start, end)
    return Slot(start, end, who, room)


def refuse_blocked(diary: Diary, slot: Slot, notice: timedelta | None = None) -> None:
    """Say what is in the way of a slot.

    Raises:
        Refused: something is.
    """
    reasons = list(dict.fromkeys(blockers(diary, slot, notice)))
    if reasons:
        remedy = "Choose another slot: $find lists those that are free."
        words = "; ".join(each.words for each in reasons)
        codes = tuple(each.code for each in reasons)
        raise Refused(f"In the way: {words}.", pointer=TAKEN, remedy=remedy, codes=codes)


def refuse_served(course: Course, sequence: int) -> None:
    """Say so when a session has an appointment already.

    Raises:
        Refused: it has.
    """
    for appointment in course.appointments.values():
        if appointment.sequence == sequence and appointment.status in ("booked", "fulfilled"):
            raise Refused(
                f"The session has the appointment {appointment.appointment_id}.", pointer=TAKEN, codes=("has-a-time",)
            )


def opening_at(diary: Diary, slot: Slot) -> Opening:
    """The slot as an opening of its day."""
    day = diary.calendar.day_of(slot.start)
    return Opening(day, _minute(diary, slot), slot.practitioner, slot.room)


def _free_place(diary: Diary, wanted: tuple[Literal["practitioner", "room"], str, str], start: datetime,
                end: datetime) -> int:  # fmt: skip
    """Of the places that a practitioner or a room has, one that is free, or else any."""
    kind, name, offer = wanted
    resources, calendar = diary.calendar.resources, diary.calendar
    places = [each for each in calendar.offering(kind, offer) if resources[each].external_id == name]
    if not places:
        reason = f"The clinic has no {kind} of this id that the session could have."
        raise Refused(reason, pointer=f"/{kind}_id", codes=(f"no-such-{kind}",))
    spans = list(calendar.spans(start, end))
    return next((p for p in places if not any(mask & diary.busy.on(p, day) for day, mask in spans)), places[0])


def _minute(diary: Diary, slot: Slot) -> int:
    return minutes_since_1970(slot.start) - diary.calendar.first_minute(diary.calendar.day_of(slot.start))
