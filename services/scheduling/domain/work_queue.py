"""Sessions that found no time: what staff could do about each, and giving one up."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Final

from services.scheduling.domain.blocks import standing
from services.scheduling.domain.booking import main_practitioners, new_appointment, terms_of
from services.scheduling.domain.course import ClinicSchedule, Course, Session, Unplaced
from services.scheduling.domain.decide import settle
from services.scheduling.domain.diary import Diary, open_diary
from services.scheduling.domain.openings import ANYBODY, Opening, Openings
from services.scheduling.domain.preview import Conflict, conflicts_of
from services.scheduling.domain.slot_requests import session_of
from services.scheduling.domain.slots import TAKEN, Slot
from shared.events.clinical import PreferredTime, TimeWish, Weekday
from shared.events.scheduling import SessionGivenUp
from shared.messaging.errors import Refused
from shared.messaging.message import Decision

_AROUND: Final = 28
"""Days before and after the days on which a time was looked for."""
_MIDNIGHT: Final = time.max


@dataclass(frozen=True, slots=True)
class Proposal:
    """A time that could be booked, and which rules it breaks."""

    slot: Slot
    breaks: tuple[Conflict, ...]
    days_off: int
    """From the nearest of the days on which a time was looked for."""


def proposals(
    diary: Diary, course: Course, session: Session, most: int, wish: TimeWish | None = None
) -> list[Proposal]:
    """The times that break the fewest rules; of equal ones the nearest to where the session belongs.

    Who treats, which rooms, opening hours, notice and what is taken are never broken, nor is a `wish`.
    """
    if session.unplaced is None:
        return []
    wish = wish or TimeWish()
    openings = _wished(diary, diary.openings(course), wish)
    ways = ((False, openings), (True, replace(openings, impossible_times=_terms_times(course, openings))))
    known = set(conflicts_of(diary, _without(course, session)))
    found = {
        opening: _proposal(diary, course, session, opening, known, wished=wished)
        for wished, places in ways
        for opening in _openings(diary, course, places, _days(diary, session.unplaced, wish))
    }
    order = sorted(found.values(), key=lambda each: (len(each.breaks), each.days_off, each.slot.start))
    return order[:most]


def give_up(schedule: ClinicSchedule, fact: SessionGivenUp, now: datetime) -> Decision[ClinicSchedule]:
    """Look no longer for a time for a session.

    Raises:
        Refused: there is no such session, or it has a time.
    """
    diary = open_diary(schedule, fact, now)
    course, session = session_of(schedule, diary, fact, fact.plan_id, fact.sequence)
    if session.unplaced is None:
        raise Refused("The session is not without a time.", pointer=TAKEN, codes=("has-a-time",))
    sessions = {**course.sessions, session.sequence: replace(session, unplaced=None, given_up=True)}
    return settle(schedule, diary.with_course(replace(course, sessions=sessions)), fact)


def _wished(diary: Diary, openings: Openings, wish: TimeWish) -> Openings:
    """The openings that suit a wish, whatever the patient said to be impossible."""
    named = wish.practitioner_id
    able = tuple(who for who in openings.practitioners if named in (None, diary.calendar.resources[who].external_id))
    return replace(openings, practitioners=able, impossible_times=tuple(_not_wished(wish)))


def _not_wished(wish: TimeWish) -> Iterator[PreferredTime]:
    """The times of a week that a wish leaves out."""
    start, end = wish.start or time.min, wish.end or _MIDNIGHT
    for day in Weekday:
        if wish.weekdays and day not in wish.weekdays:
            yield PreferredTime(weekday=day, start=time.min, end=_MIDNIGHT)
        else:
            yield from (
                PreferredTime(weekday=day, start=begin, end=until)
                for begin, until in ((time.min, start), (end, _MIDNIGHT))
                if begin < until
            )


def _terms_times(course: Course, openings: Openings) -> tuple[PreferredTime, ...]:
    return (*openings.impossible_times, *terms_of(course).impossible_times)


def _days(diary: Diary, why: Unplaced, wish: TimeWish) -> range:
    """The days on which a time is looked for: about those of the session, or those that are wished."""
    first, last = diary.calendar.day_of(why.earliest) - _AROUND, diary.calendar.day_of(why.latest) + _AROUND
    if wish.not_before:
        first = wish.not_before.toordinal()
        last = max(last, first + _AROUND)
    if wish.not_after:
        last = wish.not_after.toordinal()
    return range(max(diary.first_day, first), min(diary.last_day, last) + 1)


def _openings(diary: Diary, course: Course, openings: Openings, days: range) -> Iterator[Opening]:
    """On each of the days: the best with the main practitioner, and with anybody."""
    mains = [who for who in main_practitioners(diary, course, standing(course)) if who in openings.practitioners]
    for day in days:
        for who in (*mains[:1], ANYBODY):
            found = openings.best(day, who)
            if found:
                yield found


def _proposal(
    diary: Diary, course: Course, session: Session, opening: Opening, known: set[Conflict], *, wished: bool
) -> Proposal:
    assert session.unplaced
    there = diary.placed(new_appointment(diary, course, session), opening, "")
    placed = _without(course, session)
    placed = replace(placed, appointments={**placed.appointments, there.appointment_id: there})
    new = tuple(conflict for conflict in conflicts_of(diary, placed) if conflict not in known)
    if not wished:
        new = (*new, Conflict(session.sequence, "impossible-time", "The patient said that this time is impossible."))
    first, last = diary.calendar.day_of(session.unplaced.earliest), diary.calendar.day_of(session.unplaced.latest)
    slot = Slot(there.start, there.end, opening.practitioner, opening.room)
    return Proposal(slot, new, max(0, first - opening.day, opening.day - last))


def _without(course: Course, session: Session) -> Course:
    """The course as it stands, with this session no longer reported."""
    live = {a.appointment_id: a for a in standing(course)}
    sessions = {**course.sessions, session.sequence: replace(session, unplaced=None)}
    return replace(course, sessions=sessions, appointments=live)
