"""The reference for feasibility: each session at the opening nearest to its spacing, without looking ahead."""

from benchmarks.scheduling.instances import NOW, Instance
from services.scheduling.domain.booking import START_WITHIN_DAYS, expanded
from services.scheduling.domain.course import Course
from services.scheduling.domain.decide import terms_of_plan
from services.scheduling.domain.diary import open_diary
from services.scheduling.domain.objective import week_of
from services.scheduling.domain.openings import ANYBODY


def greedy_books(made: Instance) -> bool:
    """Whether going from session to session books the whole course within gap bounds and quotas."""
    terms = terms_of_plan(made.plan)
    diary = open_diary(made.schedule, made.plan, NOW)
    openings = diary.openings(Course("greedy", terms))
    sessions = expanded(terms.phases, range(1, sum(phase.sessions for phase in terms.phases) + 1), terms)
    first = max(terms.starts_on.toordinal(), diary.first_day)
    days: list[int] = []
    for session in sessions:
        if days:
            ideal = days[-1] + session.spacing_days
            near = sorted(
                range(days[-1] + session.min_gap_days, days[-1] + session.max_gap_days + 1),
                key=lambda day: (abs(day - ideal), day),
            )
        else:
            near = list(range(first, first + START_WITHIN_DAYS + 1))
        fitting = (
            day
            for day in near
            if sum(1 for other in days if week_of(other) == week_of(day)) < session.quota
            and openings.best(day, ANYBODY)
        )
        chosen = next(fitting, None)
        if chosen is None:
            return False
        days.append(chosen)
    return True
