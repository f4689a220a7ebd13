"""Leave of a practitioner in a full clinic: how fast a complete answer comes, how good it is, who else is moved."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from statistics import mean
from typing import Any

from benchmarks.scheduling.instances import NOW, Size, empty_clinic, plan_of
from services.scheduling.domain.course import Appointment, ClinicSchedule
from services.scheduling.domain.decide import open_course
from services.scheduling.domain.minutes import FULL
from services.scheduling.domain.replanning import ROUNDS, Puzzle, replan
from shared.events.base import Fact
from shared.events.intake import PlanEnded

_SIZE = Size(practitioners=6, rooms=5, load=0)
_COURSES, _MOST = 30, 40


def leaves(seed: int, cases: int, report: Callable[[str], None]) -> dict[str, Any]:
    """`ms`: the slowest complete answer; `gap`: how much dearer all are together than a bound that no plan can beat.

    The bound lets each block have the best place for itself, as if all others stood nowhere in its way.
    """
    answers: list[float] = []
    searches: list[float] = []
    at_first = at_last = at_best = 0
    moved = left_out = 0
    sizes: list[int] = []
    for number in range(cases):
        report(f"leave {number + 1} of {cases}")
        before, away = _leave(seed * 1000 + number)
        sizes.append(sum(len(block.leaving) for block in Puzzle.of(away, NOW).blocks))
        began = time.perf_counter()
        puzzle = Puzzle.of(away, NOW)
        busy, found = puzzle.in_turn()
        answers.append(time.perf_counter() - began)
        began = time.perf_counter()
        _, better = puzzle.improved(busy, found, Random(number), ROUNDS)
        searches.append(time.perf_counter() - began)
        at_best += sum(block.place(puzzle.diary(block, puzzle.busy))[0] for block in puzzle.blocks)
        at_last += sum(cost for cost, _ in better)
        at_first += sum(cost for cost, _ in found)
        after = replan(away, NOW, _cause(number)).state
        leaving = {a.appointment_id for block in puzzle.blocks for a in block.leaving}
        moved += sum(1 for name, a in _all(after).items() if name not in leaving and a != _all(before)[name])
        left_out += sum(opening is None for _, openings in better for opening in openings)
    return {
        "cases": cases,
        "sessions": round(mean(sizes), 1),
        "most_sessions": max(sizes),
        "ms": round(max(answers) * 1000, 1),
        "mean_ms": round(mean(answers) * 1000, 1),
        "search_ms": round(max(searches) * 1000, 1),
        "gap": round(at_last / at_best - 1, 5),
        "gap_before_search": round(at_first / at_best - 1, 5),
        "left_out": left_out,
        "moved_unaffected": moved,
    }


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
