"""Who gains from a slot that became free, and to whom it is offered.

A session is a candidate for a slot where its course costs less with it there, by the one objective
(`domain/objective.py`): because it has no time yet, because its course would begin sooner, because its
distances become more even, because the main practitioner treats, or because the patient prefers that time.
Gap bounds, opening times and what the patient can't do are never broken for it. Nobody is moved without
having agreed, so what moving costs is not counted, and the clinic's notice gives way to the offer's own.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from services.scheduling.domain.blocks import standing
from services.scheduling.domain.booking import main_practitioners, new_appointment, terms_of
from services.scheduling.domain.course import Appointment, Course, Session, Terms
from services.scheduling.domain.diary import Diary
from services.scheduling.domain.minutes import minutes_since_1970
from services.scheduling.domain.objective import OTHER_PRACTITIONER, OVER_QUOTA, uneven, week_of
from services.scheduling.domain.openings import Openings
from services.scheduling.domain.price import Price, Visit, keeps_bounds, price_of, visit_of, visits_of
from services.scheduling.domain.slots import Slot

Why = Literal["first-session", "no-time", "spacing", "practitioner", "preferred-time"]
"""What is better in the slot: the course begins (sooner); a session gets a time at all; even distances; continuity;
the patient's wish."""


@dataclass(frozen=True, slots=True)
class OfferRules:
    """How a clinic offers a freed slot."""

    at_most: int = 3
    """Offers of one slot, one after another."""
    notice: timedelta = timedelta(hours=2)
    """Between an offer's end and the slot's begin: the patient must be able to come."""
    open_for: timedelta = timedelta(hours=1)
    """How long an offer stands unless the notice shortens it."""
    shortest: timedelta = timedelta(minutes=15)
    """An offer that could not stand as long as this is not made."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A session that would be better in the slot."""

    patient_id: str
    plan_id: str
    sequence: int
    appointment_id: str | None
    """What would move there; None where the session has no time."""
    slot: Slot
    """What the session would take: as long as it lasts."""
    why: Why
    gain: int
    """How much less the course would cost by the objective; above 0."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The slot is kept for a candidate until `expires_at`."""

    candidate: Candidate
    expires_at: datetime


def candidates(diary: Diary, slot: Slot) -> Iterator[Candidate]:
    """For each course of the patient the session that gains most from the slot, which must be free in the diary."""
    for course in diary.patient.courses.values():
        if course.state == "active":
            found = max(_of_course(diary, course, slot), key=lambda each: (each.gain, -each.sequence), default=None)
            if found:
                yield found


def ranked(found: Iterable[Candidate]) -> list[Candidate]:
    """Who gains most comes first; the same order whatever order they come in."""
    return sorted(found, key=lambda each: (-each.gain, each.patient_id, each.plan_id, each.sequence))


def next_offer(
    found: Iterable[Candidate], asked: Collection[str], slot: Slot, rules: OfferRules, now: datetime
) -> Offer | None:
    """The next offer of a slot after the patients `asked` (by id) had theirs; None where no more is made."""
    expires_at = min(now + rules.open_for, slot.start - rules.notice)
    if len(asked) >= rules.at_most or expires_at - now < rules.shortest:
        return None
    best = next((each for each in ranked(found) if each.patient_id not in asked), None)
    return Offer(best, expires_at) if best else None


@dataclass(frozen=True, slots=True)
class _Standing:
    """A course as it stands before a slot is taken."""

    diary: Diary
    course: Course
    openings: Openings
    visits: Sequence[Visit]
    main: int

    @property
    def terms(self) -> Terms:
        return terms_of(self.course)

    @property
    def without_time(self) -> int:
        return sum(1 for session in self.course.sessions.values() if _waits(session))

    def price(self, visits: Sequence[Visit], without_time: int) -> Price:
        return price_of(visits, self.terms.starts_on.toordinal(), self.main, without_time)

    def changed(self, session: Session, leaving: Appointment | None, there: Appointment) -> Sequence[Visit]:
        """The visits with a session there."""
        stay = [visit for visit in self.visits if leaving is None or visit.start != leaving.start]
        arriving = visit_of(self.diary, session, there, self.openings)
        return sorted([*stay, arriving], key=lambda visit: visit.start)

    def fits(self, leaving: Appointment | None, there: Appointment) -> bool:
        """Whether everybody is free there, and the patient can come."""
        free = self.diary.without_claims([leaving] if leaving else [])
        openings = replace(free.openings(self.course), earliest=minutes_since_1970(self.diary.now))
        return openings.fits(self.diary.opening_of(there))


def _of_course(diary: Diary, course: Course, slot: Slot) -> Iterator[Candidate]:
    wanting = [*_wanting(diary, course, slot)]
    openings = diary.openings(course)
    for main in main_practitioners(diary, course, standing(course))[:1] if wanting else ():
        known = _Standing(diary, course, openings, visits_of(diary, course, openings), main)
        before = known.price(known.visits, known.without_time)
        for session, leaving in wanting:
            there = _in(slot, leaving or new_appointment(diary, course, session))
            visits = known.changed(session, leaving, there)
            after = known.price(visits, known.without_time - (leaving is None))
            better = after.total < before.total and keeps_bounds(known.terms, known.visits, visits)
            if better and known.fits(leaving, there):
                yield Candidate(
                    patient_id=diary.patient.patient_id,
                    plan_id=course.plan_id,
                    sequence=session.sequence,
                    appointment_id=leaving.appointment_id if leaving else None,
                    slot=replace(slot, end=there.end),
                    why=_why(before, after),
                    gain=before.total - after.total,
                )


def _wanting(diary: Diary, course: Course, slot: Slot) -> Iterator[tuple[Session, Appointment | None]]:
    """What could take a slot: the next appointment after it where that may be better, and what has no time."""
    kept = standing(course)
    at = next((index for index, a in enumerate(kept) if a.status == "booked" and a.start > slot.start), None)
    if at is not None and not _hopeless(diary, course, kept, at, slot):
        yield course.sessions[kept[at].sequence], kept[at]
    for session in course.sessions.values():
        if _waits(session):
            yield session, None


def _hopeless(diary: Diary, course: Course, kept: Sequence[Appointment], at: int, slot: Slot) -> bool:
    """Whether an appointment would be too near to the one before, or only worse: decided first, it is so of most."""
    if not at:
        return False
    day_of, later, terms = diary.calendar.day_of, kept[at], terms_of(course)
    before, session = day_of(kept[at - 1].start), course.sessions[later.sequence]
    sooner, day = day_of(slot.start), day_of(later.start)
    if sooner - before < session.min_gap_days <= day - before:
        return True
    if terms.preferred_times or terms.therapy or terms.practitioner_id:
        return False
    who = [a.practitioner for a in kept]
    main = max(sorted(set(who)), key=who.count)
    after = [(day_of(a.start), course.sessions[a.sequence].spacing_days) for a in kept[at + 1 : at + 2]]

    def costs(day: int, practitioner: int) -> int:
        gaps = uneven(day - before, session.spacing_days) + sum(uneven(then - day, gap) for then, gap in after)
        return gaps + (OTHER_PRACTITIONER if practitioner != main else 0)

    quota = OVER_QUOTA if week_of(sooner) != week_of(day) else 0
    return costs(sooner, slot.practitioner) >= costs(day, later.practitioner) + quota


def _waits(session: Session) -> bool:
    return session.unplaced is not None and not session.given_up


def _in(slot: Slot, appointment: Appointment) -> Appointment:
    """The appointment in the slot, as long as it lasts."""
    end = slot.start + (appointment.end - appointment.start)
    return replace(appointment, start=slot.start, end=end, practitioner=slot.practitioner, room=slot.room)


def _why(before: Price, after: Price) -> Why:
    """The term that becomes so much better; of equal ones the weightier."""
    saved: dict[Why, int] = {
        "no-time": before.left_out - after.left_out,
        "first-session": before.waiting - after.waiting,
        "spacing": before.spacing - after.spacing,
        "practitioner": before.practitioner - after.practitioner,
        "preferred-time": before.times - after.times,
    }
    return max(saved, key=lambda why: saved[why])
