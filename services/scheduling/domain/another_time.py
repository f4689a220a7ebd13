"""Another time for one appointment, with as little change as possible to those after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

from services.scheduling.domain.blocks import standing
from services.scheduling.domain.booking import START_WITHIN_DAYS, main_practitioners
from services.scheduling.domain.course import Appointment, Course, Unplaced
from services.scheduling.domain.diary import Diary
from services.scheduling.domain.minutes import minutes_since_1970
from services.scheduling.domain.objective import uneven
from services.scheduling.domain.openings import ANYBODY, Opening, Openings
from services.scheduling.domain.paths import Place, Wanted
from services.scheduling.domain.placing import Window, place_again
from services.scheduling.domain.unplaced import why_unplaced

_MOVING = 10**6
"""Others are moved only where a gap bound breaks."""
_FEW = 2
"""Before more than this many others move, the session is rather made up for later in the course."""


@dataclass(frozen=True, slots=True)
class AnotherTime:
    """Another time for one appointment, between what was before it and what comes after it."""

    diary: Diary
    course: Course
    leaving: Appointment
    not_before: datetime | None

    def places(self) -> list[Place]:
        """A place for the leaving appointment's session, and for each later appointment."""
        openings = self._openings()
        main = main_practitioners(self.diary, self.course, standing(self.course) or [self.leaving])
        nowhere: list[Place] = [(self._day(self.leaving), None), *self._as_they_are()]
        if not main or not openings.rooms:
            return nowhere
        found = place_again(self._wanted(openings), self._window(), main[0], self._cost) or nowhere
        moved = sum(1 for old, new in zip(self._as_they_are(), found[1:], strict=True) if old != new)
        later = self._between_later_ones(main[0]) if moved > _FEW or found[0][1] is None else None
        return [(later.day, later), *self._as_they_are()] if later else found

    def spaced(self, places: Sequence[Place]) -> list[Appointment]:
        """The later appointments that had to move."""
        found = zip(self._later(), places, strict=True)
        after = [(old, self.diary.placed(old, opening, "spacing")) for old, (_, opening) in found if opening]
        return [new for old, new in after if new is not old]

    def why(self) -> Unplaced:
        """Why the session found no other time."""
        window = self._window()
        assert self.course.terms
        return why_unplaced(self._openings(), self.course.terms, max(window.first, self.diary.first_day), window.last)

    def _between_later_ones(self, practitioner: int) -> Opening | None:
        """The first opening after a later appointment that keeps the distance to both its neighbours."""
        later = self._later()
        openings = self.diary.openings(self.course).restricted(earliest=self._earliest(), avoid=self._left())
        for before, after in zip_longest(later, later[1:]):
            session, day = self.course.sessions[before.sequence], self._day(before)
            last = day + session.max_gap_days
            if after:
                last = min(last, self._day(after) - self.course.sessions[after.sequence].min_gap_days)
            for at in range(day + session.min_gap_days, last + 1):
                found = openings.best(at, practitioner) or openings.best(at, ANYBODY)
                if found:
                    return found
        return None

    def _openings(self) -> Openings:
        return self.diary.without_claims(self._later()).openings(self.course)

    def _later(self) -> list[Appointment]:
        """What is booked after the leaving appointment and may still be moved."""
        after = max(self.leaving.start, self.diary.now)
        later = [a for a in self.course.appointments.values() if a.status == "booked" and a.start > after]
        return sorted((a for a in later if a is not self.leaving), key=lambda a: a.start)

    def _wanted(self, openings: Openings) -> list[Wanted]:
        mine = openings.restricted(earliest=self._earliest(), avoid=self._left())
        session, day = self.course.sessions[self.leaving.sequence], self._day(self.leaving)
        return [Wanted(session, mine, 0, 0, out_on=day), *self._kept(openings)]

    def _kept(self, openings: Openings) -> list[Wanted]:
        """The later appointments; a gap that is out of bounds already is not mended on this occasion."""
        wanted: list[Wanted] = []
        before = self._day(self.leaving)
        for appointment in self._later():
            day = self._day(appointment)
            session = self.course.sessions[appointment.sequence]
            gaps = (min(session.min_gap_days, day - before), max(session.max_gap_days, day - before))
            kept = self.diary.opening_of(appointment)
            wanted.append(Wanted(session, openings, *gaps, kept=kept, moving=_MOVING, may_stay_out=False))
            before = day
        return wanted

    def _as_they_are(self) -> list[Place]:
        return [(self._day(a), self.diary.opening_of(a)) for a in self._later()]

    def _window(self) -> Window:
        """The days for the new time: by the gap to the session before, or by the course's start."""
        left, session = self._day(self.leaving), self.course.sessions[self.leaving.sequence]
        soonest = max(self.diary.first_day, self._day_of(self._earliest()))
        before = self._day_before()
        nearest = min(session.min_gap_days, left - before) if left > before else session.min_gap_days
        first = before + nearest if before else min(left, self._start_day())
        last = max(before + session.max_gap_days, left) if before else left + START_WITHIN_DAYS
        # Where the bound can't be kept any more, or the patient wishes otherwise, soon is good enough.
        last = last if last >= soonest else soonest + session.max_gap_days
        return Window(first, max(left, soonest), last)

    def _cost(self, day: int) -> int:
        """What a day costs by its distance to the session before, or to the day that was left where none counts."""
        before, session = self._day_before(), self.course.sessions[self.leaving.sequence]
        if before and self.not_before is None:
            return uneven(day - before, session.spacing_days)
        return uneven(day, self._window().ideal)

    def _day_before(self) -> int:
        """The day of the last session that stays, before those that may move; 0 where there is none."""
        later = self._later()
        moving = {self.leaving.appointment_id, *(a.appointment_id for a in later)}
        held = (a for a in self.course.appointments.values() if a.status in ("booked", "fulfilled"))
        staying = (a for a in held if a.appointment_id not in moving and not (later and a.start > later[0].start))
        return max((self._day(a) for a in staying), default=0)

    def _earliest(self) -> int:
        return minutes_since_1970(self.not_before) if self.not_before else 0

    def _left(self) -> tuple[int, int]:
        return minutes_since_1970(self.leaving.start), minutes_since_1970(self.leaving.end)

    def _start_day(self) -> int:
        return self.course.terms.starts_on.toordinal() if self.course.terms else 0

    def _day(self, appointment: Appointment) -> int:
        return self.diary.calendar.day_of(appointment.start)

    def _day_of(self, minute: int) -> int:
        return self.diary.calendar.day_of(datetime.fromtimestamp(minute * 60, self.diary.calendar.zone))
