"""Sessions that found no time: what staff could do about each, and giving one up."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.scheduling.domain.blocks import standing
from services.scheduling.domain.booking import main_practitioners, new_appointment
from services.scheduling.domain.course import ClinicSchedule, Course, Session, Unplaced
from services.scheduling.domain.decide import settle
from services.scheduling.domain.diary import Diary, open_diary
from services.scheduling.domain.openings import ANYBODY, Opening, Openings
from services.scheduling.domain.preview import Conflict, conflicts_of
from services.scheduling.domain.slot_requests import session_of
from services.scheduling.domain.slots import TAKEN, Slot
from shared.events.scheduling import SessionGivenUp
from shared.messaging.errors import Refused
from shared.messaging.message import Decision

_AROUND: Final = 28
"""Days before and after the days on which a time was looked for."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A time that could be booked, and which rules it breaks."""

    slot: Slot
    breaks: tuple[Conflict, ...]
    days_off: int
    """From the nearest of the days on which a time was looked for."""


def proposals(diary: Diary, course: Course, session: Session, most: int) -> list[Proposal]:
    """The times that break the fewest rules; of equal ones the nearest to where the session belongs.

    Who treats, which rooms, opening hours, notice and what is taken are never broken.
    """
    if session.unplaced is None:
        return []
    openings = diary.openings(course)
    relaxed = replace(openings, impossible_times=())
    known = set(conflicts_of(diary, _without(course, session)))
    found = {
        opening: _proposal(diary, course, session, opening, known, wished=wished)
        for wished, places in ((False, relaxed), (True, openings))
        for opening in _openings(diary, course, places, session.unplaced)
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
        raise Refused("The session is not without a time.", pointer=TAKEN)
    sessions = {**course.sessions, session.sequence: replace(session, unplaced=None, given_up=True)}
    return settle(schedule, diary.with_course(replace(course, sessions=sessions)), fact)


def _openings(diary: Diary, course: Course, openings: Openings, why: Unplaced) -> Iterator[Opening]:
    """On each day about the time of the session: the best with the main practitioner, and with anybody."""
    mains = main_practitioners(diary, course, standing(course))
    first, last = diary.calendar.day_of(why.earliest), diary.calendar.day_of(why.latest)
    for day in range(max(diary.first_day, first - _AROUND), min(diary.last_day, last + _AROUND) + 1):
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
