"""What of a course is not firm yet goes where the course is best, after a visit."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.domain.calendar import ClinicCalendar
from services.scheduling.domain.course import ClinicSchedule
from services.scheduling.domain.diary import Diary
from shared.events import scheduling
from shared.events.base import Fact
from tests.domain.scheduling_examples import (
    NOW,
    busy_minutes,
    by_sequence,
    calendar,
    change,
    claimed_minutes,
    gaps,
    incomplete,
    live,
    logged,
    net,
    overlaps,
    plan,
    schedule,
    tell,
)


def booked_course(on: ClinicCalendar | None = None) -> ClinicSchedule:
    return tell(schedule(on=on), plan())[0]


def displaced(state: ClinicSchedule, sequence: int, days: int) -> ClinicSchedule:
    """A session that lies elsewhere than the course would have it, at an hour of its own."""
    old, by = by_sequence(state)[sequence], timedelta(days=days, hours=1 + sequence % 8)
    there = replace(old, start=old.start + by, end=old.end + by)
    assert state.calendar
    diary = Diary(state.calendar, state.busy, state.patients["p1"], NOW).with_appointments("plan-p1", [there])
    return replace(state, busy=diary.busy, patients={"p1": diary.patient})


def first_held(state: ClinicSchedule, *, later: timedelta = timedelta(hours=1)) -> tuple[ClinicSchedule, list[Fact]]:
    """The first session is held, and known so much later."""
    first = live(state)[0]
    fact = logged("s1", first.start, appointment_id=first.appointment_id)
    return tell(state, fact, now=first.start + later)


def test_a_far_session_out_of_its_rhythm_goes_back_and_the_patient_is_told() -> None:
    state = booked_course()
    state, facts = first_held(displaced(state, 13, 2))
    moved = [fact for fact in facts if isinstance(fact, scheduling.AppointmentMoved)]
    assert [(fact.sequence, fact.reason) for fact in moved] == [(13, "spacing")]
    assert set(gaps(by_sequence(state)[n] for n in range(10, 15))) <= {3, 4}
    assert claimed_minutes(state) == busy_minutes(state)


def test_what_is_firm_stays() -> None:
    state = displaced(booked_course(), 3, 1)
    before = net(state)[1:]
    state, facts = first_held(state)
    assert facts == []
    assert net(state)[1:] == before


def test_a_clinic_that_keeps_every_date_moves_nothing() -> None:
    _, facts = first_held(displaced(booked_course(replace(calendar(), firm_days=400)), 13, 2))
    assert facts == []


def test_a_record_that_is_entered_days_later_is_no_occasion() -> None:
    _, facts = first_held(displaced(booked_course(), 13, 2), later=timedelta(days=2))
    assert facts == []


def test_a_course_as_good_as_it_can_be_is_left_alone() -> None:
    state = booked_course()
    before = net(state)[1:]
    state, facts = first_held(state)
    assert (facts, net(state)[1:]) == ([], before)


@settings(max_examples=40, deadline=None)
@given(
    shifts=st.dictionaries(st.integers(10, 17), st.integers(-2, 4), max_size=4),
    order=st.permutations(["held", "cancel-16", "held-2"]),
)
def test_whatever_was_displaced_nothing_overlaps_and_no_session_is_lost_or_moved_into_the_firm_days(
    shifts: dict[int, int], order: list[str]
) -> None:
    state = booked_course()
    for sequence, days in shifts.items():
        state = displaced(state, sequence, days)
    first, second = live(state)[:2]
    now = second.start + timedelta(hours=1)
    facts = {
        "held": logged("s1", first.start, appointment_id=first.appointment_id),
        "held-2": logged("s2", second.start, appointment_id=second.appointment_id),
        "cancel-16": change(by_sequence(state)[16].appointment_id, requested_at=now),
    }
    for name in order:
        before = {a.appointment_id: a for a in live(state)}
        state, told = tell(state, facts[name], now=now)
        for fact in told:
            if isinstance(fact, scheduling.AppointmentMoved) and name != "cancel-16":
                assert min(fact.start, before[fact.appointment_id].start) >= _firm_until(state, now)
    assert overlaps(state) == []
    assert incomplete(state) == []
    assert claimed_minutes(state) == busy_minutes(state)


def _firm_until(state: ClinicSchedule, now: datetime) -> datetime:
    assert state.calendar
    return state.calendar.moment(state.calendar.day_of(now) + state.calendar.firm_days, 0)


_HELD = by_sequence(booked_course())
_AFTER_THE_FIRST = _HELD[1].start + timedelta(hours=1)


@settings(max_examples=40, deadline=None)
@given(
    st.permutations(
        [
            plan(),
            logged("s1", _HELD[1].start, appointment_id=_HELD[1].appointment_id),
            change(_HELD[3].appointment_id, rebook=False),
            change(_HELD[9].appointment_id, rebook=False),
            change(_HELD[12].appointment_id),
            change(_HELD[15].appointment_id, "move", not_before=_HELD[15].start + timedelta(hours=26)),
        ]
    )
)
def test_in_any_order_what_is_firm_is_the_same_and_of_the_rest_no_session_is_lost(facts: list[Fact]) -> None:
    """Far sessions may lie elsewhere: they were planned again from what was known when the visit was."""
    early = schedule()
    state, _ = tell(early, *facts, now=_AFTER_THE_FIRST)
    in_order, _ = tell(
        early, *sorted(facts, key=lambda fact: (fact.NAME != plan().NAME, fact.event_id)), now=_AFTER_THE_FIRST
    )
    until = _AFTER_THE_FIRST + timedelta(days=state.calendar.firm_days if state.calendar else 0)

    def firm(of: ClinicSchedule) -> list[tuple[str, datetime]]:
        return [(a.appointment_id, a.start) for a in live(of) if a.start < until]

    assert firm(state) == firm(in_order)
    assert sorted(by_sequence(state)) == sorted(by_sequence(in_order))
    assert overlaps(state) == []
    assert incomplete(state) == []
    assert claimed_minutes(state) == busy_minutes(state)
