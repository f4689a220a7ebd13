"""What a course costs by the objective as it stands, term by term."""

from dataclasses import dataclass
from itertools import pairwise

from services.scheduling.domain.blocks import standing
from services.scheduling.domain.course import Course
from services.scheduling.domain.diary import Diary
from services.scheduling.domain.objective import (
    LEFT_OUT,
    NOT_PREFERRED,
    OTHER_PRACTITIONER,
    OVER_QUOTA,
    uneven,
    wait,
)
from services.scheduling.domain.quality import over_quota


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
    """Not at times that the patient prefers."""

    @property
    def total(self) -> int:
        """What the course costs."""
        return self.waiting + self.left_out + self.spacing + self.practitioner + self.times


def price_of(diary: Diary, course: Course, main: int) -> Price:
    """The price of a course with the main practitioner `main`; what was held counts as it was held."""
    assert course.terms
    kept, openings = standing(course), diary.openings(course)
    days, sessions = [diary.calendar.day_of(a.start) for a in kept], [course.sessions[a.sequence] for a in kept]
    gaps = [later - earlier for earlier, later in pairwise(days)]
    even = sum(uneven(gap, session.spacing_days) for gap, session in zip(gaps, sessions[1:], strict=True))
    missing = sum(1 for session in course.sessions.values() if session.unplaced and not session.given_up)
    return Price(
        waiting=wait(days[0], course.terms.starts_on.toordinal()) if days else 0,
        left_out=LEFT_OUT * missing,
        spacing=even + OVER_QUOTA * sum(over_quota(days, sessions)),
        practitioner=OTHER_PRACTITIONER * sum(1 for a in kept if a.practitioner != main),
        times=NOT_PREFERRED * sum(1 for a in kept if not openings.is_preferred(diary.opening_of(a))),
    )
