"""Neighbouring sessions of one course that must leave their times, between those that stay."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from services.scheduling.domain.booking import START_WITHIN_DAYS, main_practitioners
from services.scheduling.domain.course import Appointment, Course, Unplaced
from services.scheduling.domain.diary import Diary
from services.scheduling.domain.objective import LEFT_OUT, LENIENT, uneven, wait, week_of
from services.scheduling.domain.openings import ANYBODY, Opening
from services.scheduling.domain.paths import Paths, Wanted
from services.scheduling.domain.unplaced import why_unplaced

_BESIDE = 3
"""So many of the sessions that stay after a block take part in judging spacing and quotas."""
Found = tuple[int, tuple[Opening | None, ...]]
"""What a block costs by the objective, and where each of its sessions goes."""


@dataclass(frozen=True, slots=True)
class Block:
    """Sessions of a course one after another, all leaving; `before` and `after` stay where they are."""

    patient_id: str
    plan_id: str
    leaving: tuple[Appointment, ...]
    before: Appointment | None
    after: tuple[Appointment, ...]

    def options(self, diary: Diary) -> int:
        """On how many days the first of the sessions could be held."""
        openings = diary.openings(diary.course(self.plan_id))
        return sum(1 for day in self._starts(diary) if openings.best(day, ANYBODY))

    def place(self, diary: Diary) -> Found:
        """The cheapest places; None for a session that finds none between those that stay."""
        course = diary.course(self.plan_id)
        mains = main_practitioners(diary, course, [*(a for a in (self.before,) if a), *self.after, *self.leaving])
        paths = Paths(self._wanted(diary, course), self._starts(diary), self._held(diary, course), LENIENT)
        found = paths.cheapest(mains[0]) if mains else None
        if found is None:
            return LEFT_OUT * len(self.leaving), (None,) * len(self.leaving)
        places = paths.places(found[1], mains[0])
        return found[0], tuple(opening for _, opening in places[: len(self.leaving)])

    def why(self, diary: Diary, index: int) -> Unplaced:
        """Why a session of the block found no time."""
        course = diary.course(self.plan_id)
        assert course.terms
        session, day = course.sessions[self.leaving[index].sequence], _day(diary, self.leaving[index])
        before = self.leaving[index - 1] if index else self.before
        first = _day(diary, before) + session.min_gap_days if before else day
        last = _day(diary, before) + session.max_gap_days if before else day + session.max_gap_days
        first = max(first, diary.first_day)
        return why_unplaced(diary.openings(course), course.terms, first, max(first, last))

    def _starts(self, diary: Diary) -> dict[int, int]:
        course, first = diary.course(self.plan_id), self.leaving[0]
        day, session = _day(diary, first), course.sessions[first.sequence]
        if self.before is None:
            begin = min(day, max(diary.first_day, course.terms.starts_on.toordinal() if course.terms else 0))
            return {each: wait(each, day) for each in range(begin, day + START_WITHIN_DAYS + 1)}
        stays = _day(diary, self.before)
        low, high = _bounds(session.min_gap_days, session.max_gap_days, day - stays)
        return {stays + gap: uneven(gap, session.spacing_days) for gap in range(low, high + 1)}

    def _wanted(self, diary: Diary, course: Course) -> list[Wanted]:
        openings, wanted, before = diary.openings(course), list[Wanted](), self.before
        for appointment in (*self.leaving, *self.after):
            session, day = course.sessions[appointment.sequence], _day(diary, appointment)
            gap = day - _day(diary, before) if before else session.min_gap_days
            bounds = _bounds(session.min_gap_days, session.max_gap_days, gap)
            stays = diary.opening_of(appointment) if appointment in self.after else None
            wanted.append(Wanted(session, openings, *bounds, kept=stays, fixed=stays is not None))
            before = appointment
        return wanted

    def _held(self, diary: Diary, course: Course) -> Counter[int]:
        mine = {a.appointment_id for a in (*self.leaving, *self.after)}
        return Counter(week_of(_day(diary, a)) for a in standing(course) if a.appointment_id not in mine)


def blocks_of(patient_id: str, course: Course, leaving: Collection[str]) -> Iterator[Block]:
    """The blocks of a course whose appointments of the ids `leaving` must go."""
    runs = [(go, tuple(run)) for go, run in groupby(standing(course), key=lambda a: a.appointment_id in leaving)]
    for index, (go, run) in enumerate(runs):
        if go:
            before = runs[index - 1][1][-1] if index else None
            after = runs[index + 1][1][:_BESIDE] if index + 1 < len(runs) else ()
            yield Block(patient_id, course.plan_id, run, before, after)


def standing(course: Course) -> Sequence[Appointment]:
    """What is booked or was held, by start."""
    kept = (a for a in course.appointments.values() if a.status in ("booked", "fulfilled"))
    return sorted(kept, key=lambda appointment: appointment.start)


def _bounds(low: int, high: int, gap: int) -> tuple[int, int]:
    """A gap that is out of bounds already is not mended on this occasion."""
    return min(low, gap), max(high, gap)


def _day(diary: Diary, appointment: Appointment) -> int:
    return diary.calendar.day_of(appointment.start)
