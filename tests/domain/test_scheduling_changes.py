"""Cancelled, moved and missed appointments, and sessions that were held."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.scheduling.domain.diary import Diary
from shared.events import scheduling
from shared.events.clinical import Phase
from tests.domain.scheduling_examples import (
    NOW,
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
    logged,
    net,
    of_kind,
    overlaps,
    plan,
    practitioner,
    room,
    schedule,
    taken_by_nobody,
    tell,
    voided,
)


def test_a_cancelled_session_gets_another_time_and_nobody_else_moves() -> None:
    state, _ = tell(schedule(), plan())
    before = by_sequence(state)
    old = before[8]
    state, (cancelled, replacement) = tell(state, change(old.appointment_id))
    assert isinstance(cancelled, scheduling.AppointmentCancelled)
    assert (cancelled.appointment_version, cancelled.reason) == (2, "requested")
    assert isinstance(replacement, scheduling.AppointmentBooked)
    assert (replacement.sequence, replacement.replaces, replacement.booking_size) == (8, old.appointment_id, 1)
    assert replacement.appointment_id != old.appointment_id
    assert replacement.start >= old.end or replacement.end <= old.start
    after = by_sequence(state)
    assert {n: a for n, a in after.items() if n != 8} == {n: a for n, a in before.items() if n != 8}
    assert all(2 <= gap <= 5 for gap in gaps([after[n] for n in range(7, 14)]))
    assert claimed_minutes(state) == busy_minutes(state)


def test_what_was_with_somebody_else_gets_its_other_time_with_the_courses_practitioner() -> None:
    state, _ = tell(schedule(), plan())
    old, usual = live(state)[4], live(state)[0].practitioner
    stand_in = replace(old, practitioner=3 - usual)
    assert state.calendar
    diary = Diary(state.calendar, state.busy, state.patients["p1"], NOW).with_appointments("plan-p1", [stand_in])
    state = replace(state, busy=diary.busy, patients={"p1": diary.patient})
    state, _ = tell(state, change(old.appointment_id), now=old.start - timedelta(days=2))
    (new,) = [a for a in live(state) if a.replaces == old.appointment_id]
    assert new.practitioner == usual


def test_a_cancellation_without_a_wish_for_another_time_gives_the_session_up() -> None:
    state, _ = tell(schedule(), plan())
    state, facts = tell(state, change(by_sequence(state)[8].appointment_id, rebook=False))
    assert [type(fact) for fact in facts] == [scheduling.AppointmentCancelled]
    assert 8 not in by_sequence(state)
    assert incomplete(state) == []


def test_a_moved_appointment_keeps_its_id_and_starts_when_the_patient_can() -> None:
    state, _ = tell(schedule(), plan())
    old = by_sequence(state)[8]
    wish = old.start + timedelta(days=1, hours=3)
    state, facts = tell(state, change(old.appointment_id, "move", not_before=wish))
    (moved,) = facts
    assert isinstance(moved, scheduling.AppointmentMoved)
    assert (moved.appointment_id, moved.appointment_version, moved.reason) == (old.appointment_id, 2, "requested")
    assert (moved.previous_start, moved.sequence) == (old.start, 8)
    assert moved.start >= wish
    assert claimed_minutes(state) == busy_minutes(state)


def test_later_sessions_move_only_where_a_gap_bound_breaks() -> None:
    state, _ = tell(schedule(), plan())
    before = by_sequence(state)
    wish = before[15].start + timedelta(days=4)
    state, facts = tell(state, change(before[15].appointment_id, "move", not_before=wish))
    after = by_sequence(state)
    reasons = {f.sequence: f.reason for f in facts if isinstance(f, scheduling.AppointmentMoved)}
    assert reasons[15] == "requested"
    assert {reason for n, reason in reasons.items() if n != 15} == {"spacing"}
    assert len(reasons) <= 3
    assert all(5 <= gap <= 11 for gap in gaps([after[n] for n in range(14, 19)]))
    assert all(after[n] == before[n] for n in range(1, 15))


def test_a_move_that_is_impossible_leaves_the_appointment_and_tells_staff() -> None:
    only = calendar(practitioner(1), room(11))
    state, _ = tell(schedule(on=only), plan(phases=[WEEKLY]))
    for n in range(200):
        state = taken_by_nobody(state, 11, date(2026, 3, 5) + timedelta(days=n))
    before = net(state)
    state, facts = tell(state, change(by_sequence(state)[4].appointment_id, "move"))
    (report,) = facts
    assert isinstance(report, scheduling.CourseUnschedulable)
    assert [(s.sequence, s.reason) for s in report.unplaced] == [(4, "fully-booked")]
    assert net(state) == before


def test_an_appointment_moves_to_just_the_time_that_somebody_chose_and_no_other_moves() -> None:
    state, _ = tell(schedule(), plan())
    before = by_sequence(state)
    start = before[8].start + timedelta(days=1, hours=1)
    state, facts = tell(state, change(before[8].appointment_id, "move", start=start))
    (moved,) = facts
    assert isinstance(moved, scheduling.AppointmentMoved)
    assert (moved.start, moved.sequence, moved.reason) == (start, 8, "requested")
    assert {n: a for n, a in by_sequence(state).items() if n != 8} == {n: a for n, a in before.items() if n != 8}
    assert claimed_minutes(state) == busy_minutes(state)


@pytest.mark.parametrize(
    ("slot", "why"),
    [
        ({"start": NOW + timedelta(hours=1)}, "notice"),
        ({"practitioner_id": "nobody"}, "no-such-practitioner"),
        ({"start": NOW.replace(hour=3) + timedelta(days=14)}, "practitioner-closed"),
    ],
)
def test_a_chosen_time_that_is_not_to_be_had_is_refused_with_its_reason(slot: dict[str, Any], why: str) -> None:
    state, _ = tell(schedule(), plan())
    before = net(state)
    wanted: dict[str, Any] = {"start": NOW + timedelta(days=14), **slot}
    asked = change(by_sequence(state)[8].appointment_id, "move", **wanted)
    state, (report,) = tell(state, asked)
    assert isinstance(report, scheduling.CourseUnschedulable)
    assert report.request_id == asked.request_id
    assert [(s.sequence, s.reason) for s in report.unplaced] == [(8, why)]
    assert net(state) == before


def test_a_time_that_another_patient_has_is_refused() -> None:
    only = calendar(practitioner(1), room(11))
    state, _ = tell(schedule("p1", "p2", on=only), plan())
    state, _ = tell(state, plan("p2"))
    mine, theirs = by_sequence(state), by_sequence(state, "p2")
    _, (report,) = tell(state, change(mine[3].appointment_id, "move", start=theirs[3].start))
    assert isinstance(report, scheduling.CourseUnschedulable)
    assert report.unplaced[0].reason == "practitioner-taken"


def test_a_cancelled_session_that_finds_no_other_time_is_reported() -> None:
    only = calendar(practitioner(1), room(11))
    state, _ = tell(schedule(on=only), plan(phases=[WEEKLY]))
    for n in range(200):
        state = taken_by_nobody(state, 11, date(2026, 3, 5) + timedelta(days=n))
    state, facts = tell(state, change(by_sequence(state)[2].appointment_id))
    assert [type(fact) for fact in facts] == [
        scheduling.AppointmentCancelled,
        scheduling.CourseUnschedulable,
        scheduling.WorkQueueChanged,
    ]
    assert incomplete(state) == []
    assert sorted(by_sequence(state)) == [1, 3, 4]


def test_a_missed_session_is_made_up_for() -> None:
    state, _ = tell(schedule(), plan())
    before = by_sequence(state)
    missed = before[9]
    now = missed.start + timedelta(minutes=20)
    state, facts = tell(state, change(missed.appointment_id, "no-show", requested_at=now), now=now)
    assert [type(f) for f in facts[:1]] == [scheduling.AppointmentMissed]
    (replacement,) = booked(facts)
    assert (replacement.sequence, replacement.replaces) == (9, missed.appointment_id)
    assert replacement.start >= now + timedelta(hours=24)
    assert len([f for f in facts if isinstance(f, scheduling.AppointmentMoved)]) <= 2
    assert course_of(state).appointments[missed.appointment_id].status == "noshow"
    assert overlaps(state) == []


def test_one_missed_session_does_not_push_a_whole_tight_phase() -> None:
    """Three a week with two days between leave no room: the session is made up for later."""
    tight = Phase(name="tight", sessions_per_week=3, weeks=5, min_gap_days=2, max_gap_days=4)
    state, _ = tell(schedule(), plan(phases=[tight]))
    missed = by_sequence(state)[4]
    now = missed.start + timedelta(minutes=20)
    state, facts = tell(state, change(missed.appointment_id, "no-show"), now=now)
    assert [type(f) for f in facts] == [scheduling.AppointmentMissed, scheduling.AppointmentBooked]
    assert min(gaps(live(state))) >= 2
    assert incomplete(state) == []


def test_a_request_works_once_and_not_on_what_is_no_longer_booked() -> None:
    state, _ = tell(schedule(), plan())
    first = by_sequence(state)[5].appointment_id
    state, _ = tell(state, change(first))
    again, facts = tell(state, change(first))
    assert again is state
    assert facts == []
    again, facts = tell(state, change(first, "no-show"), change(first, "cancel", request="other"))
    assert facts == []
    assert net(again) == net(state)


def test_a_move_that_is_repeated_moves_once() -> None:
    state, _ = tell(schedule(), plan())
    request = change(by_sequence(state)[5].appointment_id, "move")
    state, facts = tell(state, request, request)
    assert len(of_kind(facts, scheduling.AppointmentMoved)) == 1


def test_a_request_before_its_appointment_waits_for_it() -> None:
    known, _ = tell(schedule(), plan())
    target = by_sequence(known)[5].appointment_id
    before, facts = tell(schedule(), change(target), plan())
    after, _ = tell(known, change(target))
    assert net(before) == net(after)
    assert len(booked(facts)) == 18
    assert not of_kind(facts, scheduling.AppointmentCancelled)
    assert [f.replaces for f in booked(facts) if f.sequence == 5] == [target]


def test_requests_that_waited_are_taken_in_the_order_in_which_they_were_made() -> None:
    target = by_sequence(tell(schedule(), plan())[0])[5].appointment_id
    first = change(target, rebook=False, request="z", requested_at=NOW)
    second = change(target, "cancel", request="a", requested_at=NOW + timedelta(minutes=1))
    for early in ([first, second], [second, first]):
        state, _ = tell(schedule(), *early, plan())
        assert 5 not in by_sequence(state)


def test_a_request_for_an_appointment_that_nobody_makes_does_nothing() -> None:
    state, facts = tell(schedule(), change("nobody-made-this"), plan())
    assert len(facts) == 18
    assert not state.patients["p1"].requests["cancel-nobody-made-this"].taken


def test_a_session_cancelled_in_a_course_that_is_going_to_end_gets_another_time_only_before_the_end() -> None:
    end = datetime(2026, 3, 20, tzinfo=UTC)
    state, _ = tell(schedule(), plan(), ended(end))
    last = max(by_sequence(state))
    state, facts = tell(state, change(by_sequence(state)[2].appointment_id))
    assert [type(f) for f in facts] == [scheduling.AppointmentCancelled, scheduling.AppointmentBooked]
    state, facts = tell(state, change(by_sequence(state)[last].appointment_id, "move", not_before=end))
    assert [type(f) for f in facts] == [scheduling.AppointmentCancelled]
    assert all(a.start <= end for a in live(state))


def test_a_held_session_fulfils_the_appointment_it_names_or_the_one_of_its_day() -> None:
    state, _ = tell(schedule(), plan())
    first, second = by_sequence(state)[1], by_sequence(state)[2]
    state, facts = tell(
        state,
        logged("s2", second.start + timedelta(hours=3)),
        logged("s1", first.start + timedelta(days=1), appointment_id=first.appointment_id),
    )
    assert facts == []
    held = {a.sequence: a.session_id for a in live(state) if a.status == "fulfilled"}
    assert held == {1: "s1", 2: "s2"}


def test_of_two_sessions_on_one_day_the_earlier_fulfils_the_appointment_in_any_order() -> None:
    state, _ = tell(schedule(), plan())
    first = by_sequence(state)[1]
    sessions = [logged("late", first.start + timedelta(hours=2)), logged("soon", first.start)]
    for order in (sessions, sessions[::-1]):
        assert live(tell(state, *order)[0])[0].session_id == "soon"


def test_a_session_reported_missed_after_later_ones_were_held_is_made_up_for_after_them() -> None:
    state, _ = tell(schedule(), plan())
    before = by_sequence(state)
    now = before[10].start + timedelta(hours=2)
    state, _ = tell(state, *[logged(f"s{n}", before[n].start) for n in (1, 2, 3, 4, 5, 6, 7, 9, 10)], now=now)
    state, facts = tell(state, change(before[8].appointment_id, "no-show"), now=now)
    (replacement,) = booked(facts)
    assert 2 <= (local_day(replacement.start) - local_day(before[10].start)).days <= 5
    assert all(gap >= 2 for gap in gaps([a for a in live(state) if a.start >= before[10].start]))


def test_a_session_may_come_before_the_plan() -> None:
    known, _ = tell(schedule(), plan())
    session = logged("s1", by_sequence(known)[1].start)
    early, _ = tell(schedule(), session, plan())
    late, _ = tell(known, session)
    assert net(early) == net(late)
    assert live(early)[0].status == "fulfilled"


def test_a_session_of_another_plan_fulfils_nothing_here() -> None:
    state, _ = tell(schedule(), plan())
    state, _ = tell(state, logged("s1", by_sequence(state)[1].start, plan_id="another"))
    assert live(state)[0].status == "booked"


def test_a_voided_session_gives_the_appointment_its_former_status_in_any_order() -> None:
    state, _ = tell(schedule(), plan())
    session = logged("s1", by_sequence(state)[1].start)
    after, facts = tell(state, session, voided("s1"))
    assert net(after) == net(state)
    other, _ = tell(state, voided("s1"), session)
    assert other.patients["p1"].courses == after.patients["p1"].courses
    assert facts == []


def test_a_session_held_after_all_makes_the_replacement_needless() -> None:
    state, _ = tell(schedule(), plan())
    first = by_sequence(state)[1]
    now = first.start + timedelta(minutes=20)
    state, _ = tell(state, change(first.appointment_id, "no-show"), now=now)
    state, facts = tell(state, logged("s1", now), now=now)
    assert [type(f) for f in facts] == [scheduling.AppointmentCancelled]
    assert by_sequence(state)[1].status == "fulfilled"
    assert len(live(state)) == 18
    state, facts = tell(state, change(first.appointment_id, "cancel"), now=now)
    assert facts == []


def test_a_course_survives_a_long_life_of_changes() -> None:
    state, _ = tell(schedule(), plan())
    now = NOW
    for step in range(12):
        now += timedelta(days=3)
        ahead = [a for a in live(state) if a.start > now]
        if not ahead:
            break
        what = ("cancel", "move", "no-show")[step % 3]
        state, _ = tell(state, change(ahead[0].appointment_id, what, request=f"r{step}", requested_at=now), now=now)
        assert overlaps(state) == []
        assert incomplete(state) == []
        assert claimed_minutes(state) == busy_minutes(state)
    state, _ = tell(state, adjusted(2, [WEEKLY], local_day(now)), now=now)
    assert incomplete(state) == []
    assert overlaps(state) == []
