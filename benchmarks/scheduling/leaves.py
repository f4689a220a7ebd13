"""Leave of a practitioner in a full clinic: how fast a complete answer comes, how good it is, who else is moved."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from statistics import mean
from typing import Any

from benchmarks.scheduling.instances import NOW, Size, empty_clinic, plan_of
from benchmarks.scheduling.joint import Bound, joint_bound
from services.scheduling.domain.course import Appointment, ClinicSchedule
from services.scheduling.domain.decide import open_course
from services.scheduling.domain.minutes import FULL
from services.scheduling.domain.replanning import ROUNDS, Puzzle, replan
from shared.events.base import Fact
from shared.events.intake import PlanEnded

_SIZE = Size(practitioners=6, rooms=5, load=0)
_COURSES, _MOST = 30, 40


@dataclass(frozen=True, slots=True)
class _Answer:
    """One leave: seconds, costs of all blocks together, and who was touched."""

    sessions: int
    first_seconds: float
    search_seconds: float
    at_first: int
    at_last: int
    bound: Bound
    left_out: int
    moved: int


def leaves(seed: int, cases: int, report: Callable[[str], None]) -> dict[str, Any]:
    """`ms`: the slowest complete answer; `gap`: the mean of how much dearer an answer is than the joint optimum.

    Where CP-SAT did not prove the optimum in time (`unproven`) its lower bound, which no plan can beat, stands for it.
    """
    answers: list[_Answer] = []
    for number in range(cases):
        report(f"leave {number + 1} of {cases}")
        answers.append(_answer(*_leave(seed * 1000 + number), number))
    proven = [each for each in answers if each.bound.proven]
    return {
        "cases": cases,
        "sessions": round(mean(each.sessions for each in answers), 1),
        "most_sessions": max(each.sessions for each in answers),
        "ms": round(max(each.first_seconds for each in answers) * 1000, 1),
        "mean_ms": round(mean(each.first_seconds for each in answers) * 1000, 1),
        "search_ms": round(max(each.search_seconds for each in answers) * 1000, 1),
        "gap": round(mean(_gap(each.at_last, each) for each in answers), 5),
        "gap_before_search": round(mean(_gap(each.at_first, each) for each in answers), 5),
        "gap_of_proven": round(mean(_gap(each.at_last, each) for each in proven), 5) if proven else None,
        "unproven": cases - len(proven),
        "left_out": sum(each.left_out for each in answers),
        "moved_unaffected": sum(each.moved for each in answers),
    }


def _answer(before: ClinicSchedule, away: ClinicSchedule, number: int) -> _Answer:
    began = time.perf_counter()
    puzzle = Puzzle.of(away, NOW)
    busy, first = puzzle.in_turn()
    answered = time.perf_counter()
    _, last = puzzle.improved(busy, first, Random(number), ROUNDS)
    searched = time.perf_counter()
    leaving = {a.appointment_id for block in puzzle.blocks for a in block.leaving}
    known, after = _all(before), _all(replan(away, NOW, _cause(number)).state)
    return _Answer(
        sessions=len(leaving),
        first_seconds=answered - began,
        search_seconds=searched - answered,
        at_first=sum(cost for cost, _ in first),
        at_last=sum(cost for cost, _ in last),
        bound=joint_bound(puzzle, away, sum(cost for cost, _ in last)),
        left_out=sum(opening is None for _, openings in last for opening in openings),
        moved=sum(1 for name, a in after.items() if name not in leaving and a != known[name]),
    )


def _gap(cost: int, answer: _Answer) -> float:
    return cost / answer.bound.least - 1 if answer.bound.least else float(cost > 0)


def _leave(seed: int) -> tuple[ClinicSchedule, ClinicSchedule]:
    """A clinic with booked courses, and the same with a practitioner away for a day to nine."""
    chance = Random(seed)
    names = [f"p{number}" for number in range(_COURSES)]
    schedule = empty_clinic(chance, _SIZE, names)
    for name in names:
        plan = plan_of(name, starts_on=NOW.date() + timedelta(days=chance.randrange(1, 25)))
        schedule = open_course(schedule, plan, NOW).state
    assert schedule.calendar
    first = NOW.toordinal() + chance.randrange(8, 20)
    who = Counter(a.practitioner for a in _all(schedule).values()).most_common(1)[0][0]
    for days in range(chance.randrange(1, 10), 0, -1):
        closed = {**schedule.calendar.closed, who: {first + day: FULL for day in range(days)}}
        away = replace(schedule, calendar=replace(schedule.calendar, closed=closed))
        if sum(len(block.leaving) for block in Puzzle.of(away, NOW).blocks) <= _MOST:
            return schedule, away
    raise AssertionError("a single day has more than 40 sessions")


def _cause(number: int) -> Fact:
    return PlanEnded(clinic_id="made-up", patient_id="p0", plan_id=f"leave-{number}", reason="completed", ended_at=NOW)


def _all(schedule: ClinicSchedule) -> dict[str, Appointment]:
    courses = [course for patient in schedule.patients.values() for course in patient.courses.values()]
    return {name: appointment for course in courses for name, appointment in course.appointments.items()}
