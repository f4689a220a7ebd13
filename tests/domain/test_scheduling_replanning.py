"""Leave: what must move moves, nobody else does, and the search only betters the first answer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.scheduling.instances import Size, empty_clinic, plan_of
from benchmarks.scheduling.joint import joint_bound
from services.scheduling.domain.course import Appointment, ClinicSchedule
from services.scheduling.domain.minutes import FULL
from services.scheduling.domain.replanning import Puzzle, replan
from shared.events import scheduling
from shared.events.intake import PlanEnded
from tests.domain.scheduling_examples import NOW, busy_minutes, claimed_minutes, overlaps, tell

CAUSE = PlanEnded(clinic_id="made-up", patient_id="p0", plan_id="leave", reason="completed", ended_at=NOW)


def clinic(seed: int, courses: int = 8) -> ClinicSchedule:
    names = [f"p{number}" for number in range(courses)]
    state = empty_clinic(Random(seed), Size(4, 3, 0), names)
    starts = NOW.date() + timedelta(days=2)
    return tell(state, *[plan_of(name, starts_on=starts + timedelta(days=n)) for n, name in enumerate(names)])[0]


def away(state: ClinicSchedule, who: int, first: int, days: int) -> ClinicSchedule:
    assert state.calendar
    leave = {NOW.toordinal() + first + day: FULL for day in range(days)}
    closed = {**state.calendar.closed, who: leave}
    return replace(state, calendar=replace(state.calendar, closed=closed))


def everything(state: ClinicSchedule) -> dict[str, Appointment]:
    courses = [course for patient in state.patients.values() for course in patient.courses.values()]
    return {name: appointment for course in courses for name, appointment in course.appointments.items()}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 5), st.integers(1, 4), st.integers(3, 20), st.integers(1, 12))
def test_leave_moves_what_it_touches_and_nothing_else(seed: int, who: int, first: int, days: int) -> None:
    state = away(clinic(seed), who, first, days)
    touched = {a.appointment_id for block in Puzzle.of(state, NOW).blocks for a in block.leaving}
    decision = replan(state, NOW, CAUSE, rounds=10)
    after, before = everything(decision.state), everything(state)
    assert {name for name in before if after[name] != before[name]} == touched
    assert overlaps(decision.state) == []
    assert claimed_minutes(decision.state) == busy_minutes(decision.state)
    assert Puzzle.of(decision.state, NOW).blocks == []
    told = {f.appointment_id for f in decision.facts if isinstance(f, scheduling.AppointmentFact)}
    assert told == touched
    assert decision == replan(state, NOW, CAUSE, rounds=10)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 5), st.integers(3, 20))
def test_the_search_never_makes_the_first_answer_worse(seed: int, first: int) -> None:
    puzzle = Puzzle.of(away(clinic(seed, 14), 1, first, 7), NOW)
    busy, found = puzzle.in_turn()
    _, better = puzzle.improved(busy, found, Random(seed), 20)
    assert sum(cost for cost, _ in better) <= sum(cost for cost, _ in found)


def test_the_search_reaches_the_joint_optimum_that_cp_sat_proves() -> None:
    searched = 0
    for seed in range(4):
        state = away(clinic(seed, 14), 1, 9, 5)
        puzzle = Puzzle.of(state, NOW)
        busy, first = puzzle.in_turn()
        cost = sum(cost for cost, _ in puzzle.improved(busy, first, Random(seed), 60)[1])
        bound = joint_bound(puzzle, state, cost)
        assert bound.proven
        assert cost == bound.least
        searched += cost < sum(cost for cost, _ in first)
    assert searched, "the first answer is not always the best"


def test_who_finds_no_time_is_cancelled_and_reported_with_the_reason() -> None:
    state = clinic(1, 3)
    assert state.calendar
    closed = {who: {NOW.toordinal() + 9 + day: FULL for day in range(14)} for who in (1, 2, 3, 4)}
    state = replace(state, calendar=replace(state.calendar, closed=closed))
    decision = replan(state, NOW, CAUSE)
    cancelled = [f for f in decision.facts if isinstance(f, scheduling.AppointmentCancelled)]
    reported = [f for f in decision.facts if isinstance(f, scheduling.CourseUnschedulable)]
    assert cancelled
    assert {f.reason for f in cancelled} == {"not-bookable"}
    assert sum(len(f.unplaced) for f in reported) == len(cancelled)


def test_what_is_over_is_not_moved() -> None:
    state = clinic(2)
    later = datetime(2026, 3, 25, 12, tzinfo=UTC)
    changed = away(state, 1, 0, 30)
    decision = replan(changed, later, CAUSE)
    before, after = everything(state), everything(decision.state)
    assert all(after[name] == a for name, a in before.items() if a.start <= later)


def test_a_calendar_that_allows_everything_changes_nothing() -> None:
    state = clinic(3)
    assert replan(state, NOW, CAUSE).state is state
