"""Preview, quality figures, all or nothing, impossible times, visit limits."""

from dataclasses import replace
from datetime import date, time, timedelta

from services.scheduling.domain.decide import terms_of_plan
from services.scheduling.domain.diary import open_diary
from services.scheduling.domain.preview import Preview, preview
from services.scheduling.domain.quality import quality_of
from shared.events import scheduling
from shared.events.clinical import Phase, PreferredTime, VisitLimit, Weekday
from shared.events.intake import PlanCreated
from tests.domain.scheduling_examples import (
    INTENSIVE,
    NOW,
    STEADY,
    WEEKLY,
    adjusted,
    calendar,
    change,
    course_of,
    gaps,
    live,
    local_day,
    net,
    of_kind,
    plan,
    practitioner,
    room,
    schedule,
    taken_by_nobody,
    tell,
    week,
)

ZONE = calendar().zone
WHOLE = {"booking": "all-or-nothing"}


def previewed(made: PlanCreated, on: object = None) -> Preview:
    state = schedule(on=on)  # pyright: ignore[reportArgumentType]
    return preview(open_diary(state, made, NOW), terms_of_plan(made))


def test_a_preview_shows_what_booking_then_gives_and_books_nothing() -> None:
    made = plan()
    state = schedule()
    shown = preview(open_diary(state, made, NOW), terms_of_plan(made))
    assert state == schedule()
    booked, _ = tell(state, made)
    assert [(a.sequence, a.start, a.practitioner, a.room) for a in shown.appointments] == [
        (a.sequence, a.start, a.practitioner, a.room) for a in live(booked)
    ]
    assert shown.conflicts == ()
    assert shown.quality == quality_of(course_of(booked), calendar())
    assert shown.quality.continuity == 1
    assert (shown.quality.sessions, shown.quality.gaps, shown.quality.spacing_violations) == (18, 17, 0)
    assert shown.quality.days_to_first == 0
    assert shown.quality.proven_optimal


def test_a_preview_names_every_conflict_of_every_session() -> None:
    closed = [date(2026, 3, 16) + timedelta(days=n) for n in range(26)]
    mornings = [PreferredTime(weekday=Weekday.MO, start=time(8), end=time(9))]
    shown = previewed(plan(preferred_times=mornings), on=calendar(practitioner(1), room(11), holidays=closed))
    kinds = {conflict.kind for conflict in shown.conflicts}
    assert kinds >= {"no-time", "not-preferred"}
    without = [conflict.sequence for conflict in shown.conflicts if conflict.kind == "no-time"]
    assert len(without) == shown.quality.left_out > 0
    late = [a.sequence for a in shown.appointments if a.start.astimezone(ZONE).weekday() != 0]
    assert [c.sequence for c in shown.conflicts if c.kind == "not-preferred"] == late


def test_a_session_with_somebody_else_than_wished_is_a_conflict() -> None:
    made = plan(practitioner_id="pr-2")
    state = schedule()
    for day in range(16, 26):
        state = taken_by_nobody(state, 2, date(2026, 3, day))
    shown = preview(open_diary(state, made, NOW), terms_of_plan(made))
    others = [a.sequence for a in shown.appointments if a.practitioner == 1]
    assert others
    assert [c.sequence for c in shown.conflicts if c.kind == "other-practitioner"] == others
    assert shown.quality.continuity == 1 - len(others) / 18


def test_all_or_nothing_books_nothing_where_one_session_finds_no_time_and_says_which() -> None:
    closed = [date(2026, 3, 30) + timedelta(days=n) for n in range(33)]
    made = plan(phases=[INTENSIVE, STEADY])
    some, _ = tell(schedule(on=calendar(holidays=closed)), made)
    assert live(some)
    state, facts = tell(schedule(on=calendar(holidays=closed)), made.model_copy(update=WHOLE))
    (report,) = of_kind(facts, scheduling.CourseUnschedulable)
    assert live(state) == []
    assert state.busy.masks == {}
    assert [one.sequence for one in report.unplaced] == list(range(1, 15))
    reasons = {one.sequence: one.reason for one in report.unplaced}
    assert [n for n, reason in reasons.items() if reason == "clinic-closed"] == [
        s.sequence for s in course_of(some).sessions.values() if s.unplaced
    ]
    crowded = list(reasons.values()).count("over-quota")
    assert crowded == quality_of(course_of(some), calendar()).over_quota


def test_all_or_nothing_books_the_whole_where_that_is_possible() -> None:
    state, _ = tell(schedule(), plan().model_copy(update=WHOLE))
    assert net(state) == net(tell(schedule(), plan())[0])


def test_a_week_never_has_more_sessions_than_its_phase_allows_unless_that_is_said() -> None:
    everyday = week(8, 18, range(7))
    daily = calendar(practitioner(1, rules=everyday), room(11, rules=everyday))
    twice = Phase(name="twice", sessions_per_week=2, weeks=4, min_gap_days=1, max_gap_days=5)
    state, _ = tell(schedule(on=daily), plan(phases=[twice]))
    weeks = [local_day(a.start).isocalendar()[1] for a in live(state)]
    assert max(weeks.count(each) for each in weeks) == 2
    closed = [date(2026, 3, 16) + timedelta(days=n) for n in range(120)]
    rules = week(8, 18, (0, 3, 6))
    tight = calendar(practitioner(1, rules=rules), room(11, rules=rules), holidays=closed)
    made = plan(phases=[Phase(name="thrice", sessions_per_week=1.5, weeks=2, min_gap_days=1, max_gap_days=5)])
    made = made.model_copy(update={"starts_on": date(2026, 3, 9)})
    shown = previewed(made, on=tight)
    assert [(c.sequence, c.kind) for c in shown.conflicts] == [(3, "over-quota")]
    assert shown.quality.over_quota == 1
    state, facts = tell(schedule(on=tight), made.model_copy(update=WHOLE))
    (report,) = of_kind(facts, scheduling.CourseUnschedulable)
    assert live(state) == []
    assert [one.reason for one in report.unplaced] == ["all-or-nothing", "all-or-nothing", "over-quota"]


def test_nothing_is_booked_when_the_patient_cant_come() -> None:
    mornings = [PreferredTime(weekday=day, start=time(7), end=time(12, 30)) for day in Weekday]
    state, _ = tell(schedule(), plan().model_copy(update={"impossible_times": tuple(mornings)}))
    assert {a.start.astimezone(ZONE).time() for a in live(state)} == {time(12, 30)}
    state, _ = tell(state, change(live(state)[3].appointment_id))
    assert all(a.start.astimezone(ZONE).time() >= time(12, 30) for a in live(state))


def test_a_limit_on_visits_holds_over_any_so_many_days_also_after_an_adjustment() -> None:
    limited = plan(phases=[INTENSIVE, WEEKLY]).model_copy(update={"limits": (VisitLimit(sessions=4, within_days=14),)})
    state, _ = tell(schedule(), limited)
    days = [local_day(a.start) for a in live(state)]
    assert len(days) > 6
    assert all((later - earlier).days >= 14 for earlier, later in zip(days, days[4:], strict=False))
    later = NOW + timedelta(days=10)
    state, _ = tell(state, adjusted(2, [INTENSIVE], date(2026, 3, 14)), now=later)
    days = [local_day(a.start) for a in live(state)]
    assert all((later - earlier).days >= 14 for earlier, later in zip(days, days[4:], strict=False))


def test_what_was_changed_afterwards_is_not_called_optimal() -> None:
    state, _ = tell(schedule(), plan())
    assert quality_of(course_of(state), calendar()).proven_optimal
    state, _ = tell(state, change(live(state)[3].appointment_id, "move"))
    quality = quality_of(course_of(state), calendar())
    assert not quality.proven_optimal
    assert quality.gaps == 17
    assert quality.spacing_violations == sum(1 for gap in gaps(live(state))[:5] if not 1 <= gap <= 4)


def test_the_figures_count_what_is_wrong() -> None:
    state, _ = tell(schedule(), plan())
    course = course_of(state)
    first, second, *_ = live(state)
    far = replace(second, start=second.start + timedelta(days=40), practitioner=2 if second.practitioner == 1 else 1)
    moved = replace(course, appointments={**course.appointments, far.appointment_id: far})
    quality = quality_of(moved, calendar())
    assert quality.spacing_violations == 1
    assert quality.continuity == 17 / 18
    assert first.sequence == 1
