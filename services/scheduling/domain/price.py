"""What a course costs by the objective as it stands, term by term, and which of its bounds are broken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from services.scheduling.domain.blocks import standing
from services.scheduling.domain.course import Appointment, Course, Session, Terms
from services.scheduling.domain.diary import Diary
from services.scheduling.domain.objective import LEFT_OUT, OTHER_PRACTITIONER, OVER_QUOTA, uneven, wait
from services.scheduling.domain.openings import Openings
from services.scheduling.domain.quality import over_quota, wrong_gaps
from services.scheduling.domain.visits import earliest_by_limits


@dataclass(frozen=True, slots=True)
class Visit:
    """What of an appointment that is booked or was held counts in the objective."""

    start: datetime
    day: int
    session: Session
    practitioner: int
    time: int
    """What its time costs, whoever treats."""


@dataclass(frozen=True, slots=True)
class Price:
    """The terms of the objective, without what moving costs."""

    waiting: int
    """For the first session."""
    left_out: int
    spacing: int
    """Uneven gaps, and more sessions in a week than its quota."""
    practitioner: int
    times: int
    """Not at times that the patient prefers, or without therapy the same day."""

    @property
    def total(self) -> int:
        """What the course costs."""
        return self.waiting + self.left_out + self.spacing + self.practitioner + self.times


def visits_of(diary: Diary, course: Course, openings: Openings) -> list[Visit]:
    """The course's visits by start."""
    return [visit_of(diary, course.sessions[a.sequence], a, openings) for a in standing(course)]


def visit_of(diary: Diary, session: Session, appointment: Appointment, openings: Openings) -> Visit:
    """An appointment of a session as a visit."""
    time = openings.time_cost(diary.opening_of(appointment))
    day = diary.calendar.day_of(appointment.start)
    return Visit(appointment.start, day, session, appointment.practitioner, time)


def price_of(visits: Sequence[Visit], wished: int, main: int, left_out: int) -> Price:
    """The price of a course that should begin on the day `wished`, with the main practitioner `main`.

    `visits` are in order; `left_out` sessions have no time.
    """
    days, sessions = [visit.day for visit in visits], [visit.session for visit in visits]
    even = sum(uneven(later.day - before.day, later.session.spacing_days) for before, later in pairwise(visits))
    return Price(
        waiting=wait(days[0], wished) if days else 0,
        left_out=LEFT_OUT * left_out,
        spacing=even + OVER_QUOTA * sum(over_quota(days, sessions)),
        practitioner=OTHER_PRACTITIONER * sum(1 for visit in visits if visit.practitioner != main),
        times=sum(visit.time for visit in visits),
    )


def keeps_bounds(terms: Terms, visits: Sequence[Visit], changed: Sequence[Visit]) -> bool:
    """A bound that is broken already need not be mended; no other one is broken for it."""
    return all(after <= before for before, after in zip(_broken(terms, visits), _broken(terms, changed), strict=True))


def _broken(terms: Terms, visits: Sequence[Visit]) -> tuple[int, int, int]:
    """How many gaps are out of their bounds, how many are too short, and by how many days visits are too early."""
    days, sessions = [visit.day for visit in visits], [visit.session for visit in visits]
    wrong = wrong_gaps(days, sessions)
    too_short = sum(1 for index in wrong if days[index] - days[index - 1] < sessions[index].min_gap_days)
    early = sum(max(0, first - day) for first, day in zip(_earliest(terms, days), days, strict=True))
    return len(wrong), too_short, early


def _earliest(terms: Terms, days: Sequence[int]) -> list[int]:
    return [max(terms.starts_on.toordinal(), bound) for bound in earliest_by_limits(terms.limits, [], days)]
