"""Booking whole courses, adjusting and ending them."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest

from services.scheduling.domain.booking import START_WITHIN_DAYS
from shared.events import scheduling
from shared.events.clinical import Phase, PreferredTime, Weekday
from shared.messaging.errors import Refused
from tests.domain.scheduling_examples import (
    COURSE,
    INTENSIVE,
    NOW,
    STEADY,
    WEEKLY,
    adjusted,
    booked,
    busy_minutes,
    by_sequence,
    calendar,
    change,
    claimed_minutes,
    course_of,
    ended,
    gaps,
    incomplete,
    live,
    local_day,
    net,
    of_kind,
    overlaps,
    plan,
    practitioner,
    room,
    schedule,
    taken_by_nobody,
    tell,
    week,
)

ZONE = calendar().zone


def test_a_plan_books_every_session_of_every_phase_within_its_gaps() -> None:
    state, facts = tell(schedule(), plan())
    assert [a.sequence for a in live(state)] == list(range(1, 19))
    between = gaps(live(state))
    assert all(1 <= gap <= 4 for gap in between[:5])
    assert all(2 <= gap <= 5 for gap in between[5:13])
    assert all(5 <= gap <= 9 for gap in between[13:])
    assert {fact.booking_size for fact in booked(facts)} == {18}
    assert len({fact.booking_id for fact in booked(facts)}) == 1
    assert len(facts) == 18


def test_the_rate_of_a_phase_is_kept_also_where_the_gaps_would_allow_more() -> None:
    rules = week(8, 18, range(7))
    daily = calendar(practitioner(1, rules=rules), room(11, rules=rules))
    steady = Phase(name="steady", sessions_per_week=2, weeks=10, min_gap_days=2, max_gap_days=5)
    state, _ = tell(schedule(on=daily), plan(phases=[steady]))
    days = [local_day(a.start) for a in live(state)]
    assert (days[-1] - days[0]).days in range(63, 70)
    assert set(Counter(day.isocalendar()[:2] for day in days).values()) <= {1, 2}


def test_nothing_is_booked_before_the_start_date_or_without_a_days_notice() -> None:
    state, _ = tell(schedule(), plan(starts_on=NOW.date()))
    assert live(state)[0].start >= NOW + timedelta(hours=24)
    state, _ = tell(schedule(), plan(starts_on=date(2026, 4, 1)))
    assert local_day(live(state)[0].start) == date(2026, 4, 1)


def test_every_session_starts_on_the_grid_within_hours_also_after_the_clocks_change() -> None:
    state, _ = tell(schedule(), plan())
    starts = [a.start.astimezone(ZONE) for a in live(state)]
    assert {start.time() for start in starts} == {time(8)}
    assert len({start.utcoffset() for start in starts}) == 2
    assert {a.end - a.start for a in live(state)} == {timedelta(minutes=45)}


def test_one_practitioner_treats_the_whole_course_and_the_next_course_goes_to_the_other() -> None:
    state, _ = tell(schedule("p1", "p2"), plan("p1"), plan("p2"))
    assert len({a.practitioner for a in live(state, "p1")}) == 1
    assert {a.practitioner for a in live(state, "p1")} != {a.practitioner for a in live(state, "p2")}


def test_the_plans_practitioner_is_taken_when_able_and_free() -> None:
    state, _ = tell(schedule(), plan(practitioner_id="pr-2"))
    assert {a.practitioner for a in live(state)} == {2}


def test_when_the_plans_practitioner_is_away_the_session_is_held_by_another() -> None:
    state = schedule()
    for day in range(16, 26):
        state = taken_by_nobody(state, 2, date(2026, 3, day))
    state, facts = tell(state, plan(practitioner_id="pr-2"))
    assert incomplete(state) == []
    assert not of_kind(facts, scheduling.CourseUnschedulable)
    others = [local_day(a.start) for a in live(state) if a.practitioner == 1]
    assert others
    assert all(date(2026, 3, 16) <= day <= date(2026, 3, 25) for day in others)


def test_a_patients_preferred_times_are_kept_where_they_are_free() -> None:
    afternoons = [PreferredTime(weekday=day, start=time(15), end=time(17)) for day in (Weekday.MO, Weekday.TH)]
    state, _ = tell(schedule(), plan(phases=[STEADY], preferred_times=afternoons))
    starts = [a.start.astimezone(ZONE) for a in live(state)]
    assert {(start.weekday(), start.time()) for start in starts} == {(0, time(15)), (3, time(15))}


def test_practitioner_room_and_patient_are_never_taken_twice_and_buffers_are_kept() -> None:
    names = [f"p{n}" for n in range(19)]
    one_room = calendar(practitioner(1), practitioner(2), practitioner(3), room(11))
    state, _ = tell(schedule(*names, on=one_room), *[plan(name) for name in names])
    assert overlaps(state) == []
    assert claimed_minutes(state) == busy_minutes(state)
    assert all(incomplete(state, name) == [] for name in names)
    starts = sorted(a.start for name in names for a in live(state, name))
    assert min(later - earlier for earlier, later in pairwise(starts)) >= timedelta(minutes=55)


def test_the_buffer_is_kept_before_a_session_that_is_booked_already_also_in_another_room() -> None:
    def at(start: time, end: time) -> list[PreferredTime]:
        return [PreferredTime(weekday=day, start=start, end=end) for day in Weekday]

    alone = calendar(practitioner(1), room(11), room(12))
    nine, before = at(time(9), time(9, 45)), at(time(8, 15), time(9))
    state, _ = tell(
        schedule("p1", "p2", on=alone), plan("p1", preferred_times=nine), plan("p2", preferred_times=before)
    )
    assert overlaps(state) == []
    assert {a.start.astimezone(ZONE).time() for a in live(state, "p1")} == {time(9)}
    both = {local_day(a.start) for a in live(state, "p1")} & {local_day(a.start) for a in live(state, "p2")}
    assert both
    assert {a.start.astimezone(ZONE).time() for a in live(state, "p2") if local_day(a.start) in both} == {time(8)}


def test_two_plans_of_one_patient_do_not_meet() -> None:
    second = plan().model_copy(update={"plan_id": "other"})
    state, _ = tell(schedule(), plan(), second)
    assert overlaps(state) == []
    assert len(state.patients["p1"].courses["other"].appointments) == 18


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [({"skill": "cupping"}, "no-practitioner-with-skill"), ({"room_kind": "pool"}, "no-room-of-kind")],
)
def test_a_course_that_nobody_can_give_is_reported_session_by_session(wrong: dict[str, str], reason: str) -> None:
    state, facts = tell(schedule(), plan(**wrong))  # pyright: ignore[reportArgumentType]
    (report,) = of_kind(facts, scheduling.CourseUnschedulable)
    assert booked(facts) == []
    assert [(s.sequence, s.reason) for s in report.unplaced] == [(n, reason) for n in range(1, 19)]
    assert all(s.earliest < s.latest for s in report.unplaced)
    assert incomplete(state) == []


def test_sessions_that_fall_into_a_long_closure_are_reported_and_the_rest_is_booked() -> None:
    closed = [date(2026, 4, 6) + timedelta(days=n) for n in range(12)]
    state, facts = tell(schedule(on=calendar(holidays=closed)), plan())
    (report,) = of_kind(facts, scheduling.CourseUnschedulable)
    assert {s.reason for s in report.unplaced} == {"clinic-closed"}
    assert 1 <= len(report.unplaced) <= 4
    assert len(live(state)) + len(report.unplaced) == 18
    assert {fact.booking_size for fact in booked(facts)} == {len(live(state))}
    assert not {local_day(a.start) for a in live(state)} & set(closed)


def test_a_full_clinic_delays_the_start_rather_than_dropping_sessions() -> None:
    state = schedule(on=calendar(practitioner(1), room(11)))
    for n in range(14):
        state = taken_by_nobody(state, 1, date(2026, 3, 4) + timedelta(days=n))
    state, facts = tell(state, plan())
    assert len(facts) == 18
    assert local_day(live(state)[0].start) == date(2026, 3, 18)


def test_a_wholly_booked_clinic_is_reported_as_such() -> None:
    state = schedule(on=calendar(practitioner(1), room(11)))
    for n in range(150):
        state = taken_by_nobody(state, 11, date(2026, 3, 4) + timedelta(days=n))
    _, facts = tell(state, plan())
    (report,) = of_kind(facts, scheduling.CourseUnschedulable)
    assert booked(facts) == []
    assert {s.reason for s in report.unplaced} == {"fully-booked"}


def test_what_lies_beyond_the_clinics_horizon_is_reported() -> None:
    near = replace(calendar(), horizon_days=40)
    state, facts = tell(schedule(on=near), plan())
    (report,) = of_kind(facts, scheduling.CourseUnschedulable)
    assert {s.reason for s in report.unplaced} == {"beyond-horizon"}
    assert len(live(state)) + len(report.unplaced) == 18


def test_a_plan_that_comes_years_late_books_nothing_and_says_so() -> None:
    state, facts = tell(schedule(), plan(starts_on=date(2024, 1, 8)))
    (report,) = of_kind(facts, scheduling.CourseUnschedulable)
    assert booked(facts) == []
    assert {s.reason for s in report.unplaced} == {"window-past"}
    assert live(state) == []


def test_a_plan_that_comes_a_little_late_is_booked_from_now() -> None:
    state, facts = tell(schedule(), plan(starts_on=NOW.date() - timedelta(days=10)))
    assert len(facts) == 18
    assert live(state)[0].start - NOW < timedelta(days=3)
    assert START_WITHIN_DAYS == 28


def test_a_taper_keeps_ids_moves_what_can_serve_and_cancels_the_surplus() -> None:
    state, _ = tell(schedule(), plan())
    before = by_sequence(state)
    state, facts = tell(state, adjusted(2, [WEEKLY], date(2026, 3, 18)))
    after = by_sequence(state)
    first = min(n for n, a in before.items() if local_day(a.start) >= date(2026, 3, 18))
    assert sorted(after) == list(range(1, first + 4))
    assert all(after[n].appointment_id == before[n].appointment_id for n in after)
    assert all(after[n] == before[n] for n in range(1, first))
    assert all(5 <= gap <= 9 for gap in gaps([after[n] for n in range(first - 1, first + 4)]))
    cancelled = of_kind(facts, scheduling.AppointmentCancelled)
    assert len(cancelled) == 18 - (first + 3)
    moved = [fact for fact in facts if isinstance(fact, scheduling.AppointmentMoved)]
    assert {fact.reason for fact in moved} == {"plan-adjusted"}
    assert {fact.appointment_version for fact in moved} == {2}
    assert {fact.plan_version for fact in moved} == {2}
    assert busy_minutes(state) == claimed_minutes(state)


def test_an_adjustment_that_changes_nothing_moves_nothing() -> None:
    steady = [replace_weeks(STEADY, 6)]
    state, _ = tell(schedule(), plan(phases=steady))
    fifth = local_day(by_sequence(state)[5].start)
    same = [replace_weeks(STEADY, 4)]
    before = {n: a.start for n, a in by_sequence(state).items()}
    state, facts = tell(state, adjusted(2, same, fifth))
    assert facts == []
    assert {n: a.start for n, a in by_sequence(state).items()} == before


def replace_weeks(phase: Phase, weeks: int) -> Phase:
    return phase.model_copy(update={"weeks": weeks})


def test_a_longer_plan_continues_the_numbers_with_new_bookings() -> None:
    state, _ = tell(schedule(), plan(phases=[WEEKLY]))
    state, facts = tell(state, adjusted(2, [replace_weeks(WEEKLY, 8)], date(2026, 3, 4)))
    assert sorted(by_sequence(state)) == list(range(1, 9))
    assert [fact.sequence for fact in booked(facts)] == [5, 6, 7, 8]
    assert len(facts) == 4


def test_discharge_cancels_everything_ahead() -> None:
    state, _ = tell(schedule(), plan())
    state, facts = tell(state, adjusted(2, [], date(2026, 3, 9)))
    assert all(local_day(a.start) < date(2026, 3, 9) for a in live(state))
    assert all(isinstance(f, scheduling.AppointmentCancelled) and f.reason == "plan-adjusted" for f in facts)
    assert incomplete(state) == []


def test_the_past_and_what_was_held_stay_where_they_are() -> None:
    state, _ = tell(schedule(), plan())
    before = by_sequence(state)
    later = datetime(2026, 3, 12, 12, tzinfo=UTC)
    state, _ = tell(state, adjusted(2, [WEEKLY], date(2026, 3, 2)), now=later)
    after = by_sequence(state)
    past = [n for n, a in before.items() if a.start <= later]
    assert len(past) == 4
    assert all(after[n] == before[n] for n in past)
    assert len(after) == 8
    kept_times = {a.start for a in before.values()}
    assert all(a.start >= later + timedelta(hours=24) for a in after.values() if a.start not in kept_times)


def test_an_older_or_repeated_version_has_no_effect() -> None:
    state, _ = tell(schedule(), plan(), adjusted(3, [WEEKLY], date(2026, 3, 18)))
    for version in (2, 3):
        again, facts = tell(state, adjusted(version, [INTENSIVE], date(2026, 3, 10)))
        assert again is state
        assert facts == []


def test_the_end_cancels_what_lies_ahead_of_it_and_nothing_is_booked_afterwards() -> None:
    state, _ = tell(schedule(), plan())
    end = datetime(2026, 3, 20, tzinfo=UTC)
    state, facts = tell(state, ended(end))
    assert all(a.start <= end for a in live(state))
    assert {f.reason for f in facts if isinstance(f, scheduling.AppointmentCancelled)} == {"plan-ended"}
    state, facts = tell(state, ended(end), adjusted(2, [STEADY], date(2026, 3, 5)))
    assert all(a.start <= end for a in live(state))
    assert booked(facts) == []


def test_of_two_ends_the_earlier_holds_in_any_order() -> None:
    early, late = ended(datetime(2026, 3, 10, tzinfo=UTC)), ended(datetime(2026, 3, 20, tzinfo=UTC))
    one, _ = tell(schedule(), plan(), early, late)
    other, _ = tell(schedule(), plan(), late, early)
    assert net(one) == net(other)
    assert course_of(one).ended_at == course_of(other).ended_at == early.ended_at


def test_a_plan_that_ended_before_it_was_known_is_not_booked() -> None:
    state, facts = tell(schedule(), ended(), plan())
    assert facts == []
    assert live(state) == []
    assert course_of(state).appointments == {}


def test_a_plan_is_booked_once() -> None:
    state, _ = tell(schedule(), plan())
    again, facts = tell(state, plan())
    assert again is state
    assert facts == []


def test_an_unknown_clinic_and_another_patients_plan_are_refused() -> None:
    with pytest.raises(Refused, match="no clinic riverside") as refusal:
        tell(replace(schedule(), calendar=None), plan())
    assert "clinics/riverside.yaml" in refusal.value.remedy
    with pytest.raises(Refused, match="not of the patient"):
        tell(replace(schedule(), foreign=frozenset({"plan-p1"})), plan())
    with pytest.raises(Refused, match="not of the patient"):
        tell(replace(schedule(), foreign=frozenset({"a1"})), change("a1"))


def test_deciding_again_gives_the_same_ids() -> None:
    assert tell(schedule(), plan())[1] == tell(schedule(), plan())[1]
    state, _ = tell(schedule(), plan(phases=COURSE))
    assert net(state) == net(tell(schedule(), plan())[0])
