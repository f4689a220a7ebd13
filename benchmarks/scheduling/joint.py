"""The joint optimum of all sessions that leave moves, by OR-Tools' CP-SAT: what re-planning is held against.

It shares the weights and the calendar's opening times with the engine, and nothing of how the engine searches: each
session has a start, is with one practitioner and in one room, and no two of them are with one at once.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ortools.sat.python import cp_model

from benchmarks.scheduling.cpsat import is_free, patient_can
from benchmarks.scheduling.instances import NOW, Instance, plan_of
from services.scheduling.domain.blocks import Block, standing
from services.scheduling.domain.booking import main_practitioners
from services.scheduling.domain.course import Appointment, ClinicSchedule, Course
from services.scheduling.domain.objective import (
    LEFT_OUT,
    OTHER_PRACTITIONER,
    OVER_QUOTA,
    uneven,
    wait,
    week_of,
)
from services.scheduling.domain.replanning import Puzzle

_GRID = 5
"""Minutes of CP-SAT's clock: sessions, buffers and starts are multiples of it."""
_WAIT_DAYS = 28
_EFFORT, _SECONDS = 8.0, 60.0
"""CP-SAT's own measure of work, about seconds of a quiet machine; and what it may take at the most."""
Held = Mapping[int, Any]
"""By day, whether a session is then."""


@dataclass(frozen=True, slots=True)
class Bound:
    """No plan costs less than `least`; `proven` where one that is known costs just that."""

    least: int
    proven: bool


def joint_bound(puzzle: Puzzle, schedule: ClinicSchedule, known: int) -> Bound:
    """The least sum of the blocks' costs, where one that costs `known` was found for the schedule's puzzle."""
    alone = sum(puzzle.least())
    if alone == known:
        return Bound(known, proven=True)
    model, free = _Joint(puzzle), replace(schedule, busy=puzzle.busy)
    for block in puzzle.blocks:
        model.add(block, Instance(free, plan_of(block.patient_id, starts_on=NOW.date())))
    found = model.solved(known)
    return replace(found, least=max(found.least, alone))


@dataclass(slots=True)
class _Joint:
    puzzle: Puzzle
    model: Any = field(default_factory=cp_model.CpModel)
    costs: list[Any] = field(default_factory=list[Any])
    taken: dict[tuple[int, int], list[Any]] = field(default_factory=dict[tuple[int, int], list[Any]])
    """By practitioner or room, and day: when sessions that move may take it."""

    def add(self, block: Block, made: Instance) -> None:
        """The sessions of one block, one after another, between those that stay."""
        known, diary = len(self.costs), self.puzzle.diary(block, self.puzzle.busy)
        course = diary.course(block.plan_id)
        serving = [*([block.before] if block.before else []), *block.after, *block.leaving]
        main, days = main_practitioners(diary, course, serving)[0], list[Held]()
        for index in range(len(block.leaving)):
            window = self._window(block, course, index, days)
            days.append({day: self.model.new_bool_var("") for day in window})
            self.model.add_exactly_one(days[-1].values())
            self._session(made, days[-1], main)
        days += [{self._day(a): 1} for a in block.after]
        self._gaps(block, course, days)
        self._quotas(block, course, days)
        least, _ = block.place(diary)
        self.model.add(sum(self.costs[known:]) >= least)

    def solved(self, known: int) -> Bound:
        """What is found within the effort."""
        for intervals in self.taken.values():
            self.model.add_no_overlap(intervals)
        total = sum(self.costs)
        self.model.add(total <= known)
        self.model.minimize(total)
        solver: Any = cp_model.CpSolver()
        solver.parameters.max_deterministic_time = _EFFORT
        solver.parameters.max_time_in_seconds = _SECONDS
        solver.parameters.num_workers = 1
        solver.parameters.linearization_level = 2
        solver.parameters.optimize_with_lb_tree_search = True
        status = solver.solve(self.model)
        assert status != cp_model.INFEASIBLE, "what is known is a plan"
        return Bound(round(solver.best_objective_bound), status == cp_model.OPTIMAL)

    def _window(self, block: Block, course: Course, index: int, before: Sequence[Held]) -> range:
        """The days that a session can have."""
        day = self._day(block.leaving[0])
        if index == 0 and block.before is None:
            begins = course.terms.starts_on.toordinal() if course.terms else 0
            soonest = self.puzzle.diary(block, self.puzzle.busy).first_day
            return range(min(day, max(soonest, begins)), day + _WAIT_DAYS + 1)
        low, high = self._bounds(block, course, index)
        stays = [*before[-1]] if index else [self._day(block.before)] if block.before else []
        return range(min(stays) + low, max(stays) + high + 1)

    def _bounds(self, block: Block, course: Course, index: int) -> tuple[int, int]:
        """Of the gap before one of the sessions that leave and then of those that stay."""
        every = [*block.leaving, *block.after]
        session, before = course.sessions[every[index].sequence], every[index - 1] if index else block.before
        gap = self._day(every[index]) - self._day(before) if before else session.min_gap_days
        return min(session.min_gap_days, gap), max(session.max_gap_days, gap)

    def _session(self, made: Instance, held: Held, main: int) -> None:
        """One session with somebody and somewhere on its day, or left out about that day."""
        calendar = made.schedule.calendar
        assert calendar
        for day, here in held.items():
            out, start = self.model.new_bool_var(""), self.model.new_int_var(0, 1440 // _GRID, "")
            self.costs.append(LEFT_OUT * out)
            who = {r: self._with(made, start, day, r) for r in calendar.offering("practitioner", made.plan.skill)}
            where = [self._with(made, start, day, r) for r in calendar.offering("room", made.plan.room_kind)]
            for chosen in (who.values(), where):
                self.model.add(sum(chosen) + out == here)
            self.costs += [OTHER_PRACTITIONER * chosen for each, chosen in who.items() if each != main]

    def _with(self, made: Instance, start: Any, day: int, resource: int) -> Any:
        """Whether the session is with that practitioner, or in that room, on the day."""
        calendar, starts = made.schedule.calendar, [[at // _GRID, at // _GRID] for at in _starts(made, day, resource)]
        if not starts or calendar is None:
            return 0
        here, minutes = self.model.new_bool_var(""), made.plan.session_minutes + calendar.buffer_of(resource)
        during = self.model.new_optional_fixed_size_interval_var(start, minutes // _GRID, here, "")
        self.taken.setdefault((resource, day), []).append(during)
        domain = cp_model.Domain.from_intervals(starts)
        self.model.add_linear_expression_in_domain(start, domain).only_enforce_if(here)
        return here

    def _gaps(self, block: Block, course: Course, days: Sequence[Held]) -> None:
        """What distances cost, those between the sessions that stay among them, as in the engine's sum."""
        every = (*block.leaving, *block.after)
        spacing = [course.sessions[a.sequence].spacing_days for a in every]
        first = self._day(block.leaving[0])
        for day, here in days[0].items():
            cost = uneven(day - self._day(block.before), spacing[0]) if block.before else wait(day, first)
            self.costs.append(cost * here)
        for index in range(1, len(every)):
            self._steps(days[index - 1], days[index], self._bounds(block, course, index), spacing[index])

    def _steps(self, before: Held, after: Held, bounds: tuple[int, int], spacing: float) -> None:
        """What flows out of the day of one session flows into that of the next, at the price of the gap."""
        steps = {
            (day, later): self.model.new_bool_var("")
            for day in before
            for later in after
            if bounds[0] <= later - day <= bounds[1]
        }
        self.costs += [uneven(later - day, spacing) * step for (day, later), step in steps.items()]
        for side, held in enumerate((before, after)):
            for day, here in held.items():
                self.model.add(sum(step for pair, step in steps.items() if pair[side] == day) == here)

    def _quotas(self, block: Block, course: Course, days: Sequence[Held]) -> None:
        """A session is over its quota where some session is the first of the same week, too many before it."""
        every = (*block.leaving, *block.after)
        mine = {a.appointment_id for a in every}
        stays = Counter(week_of(self._day(a)) for a in standing(course) if a.appointment_id not in mine)
        quotas, in_week = [course.sessions[a.sequence].quota for a in every], [_by_week(held) for held in days]
        for index in range(len(every)):
            over = self.model.new_bool_var("")
            self.costs.append(OVER_QUOTA * over)
            for first in range(max(0, index - 6), index + 1):
                for week in in_week[first].keys() & in_week[index].keys():
                    if stays[week] + index - first + 1 > max(quotas[first : index + 1]):
                        earlier = in_week[first - 1].get(week, 0) if first else 0
                        self.model.add(over >= in_week[first][week] - earlier + in_week[index][week] - 1)

    def _day(self, appointment: Appointment) -> int:
        return self.puzzle.calendar.day_of(appointment.start)


def _by_week(held: Held) -> dict[int, Any]:
    weeks: dict[int, Any] = {}
    for day, here in held.items():
        weeks[week_of(day)] = weeks.get(week_of(day), 0) + here
    return weeks


def _starts(made: Instance, day: int, resource: int) -> Iterator[int]:
    """The minutes of a day at which the patient can begin there."""
    calendar = made.schedule.calendar
    assert calendar
    for start in range(0, 1440, calendar.slot_minutes):
        if is_free(made, resource, day, start) and patient_can(made, day, start):
            yield start
