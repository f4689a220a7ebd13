"""Calendars as facts: any order and any repetition, layers, and every zone on earth at both changes of its clocks."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.domain import replanning
from services.scheduling.domain.busy import Busy
from services.scheduling.domain.calendar import ClinicCalendar
from services.scheduling.domain.calendars import Places, compose
from services.scheduling.domain.course import ClinicSchedule
from services.scheduling.domain.diary import Diary
from services.scheduling.domain.minutes import EPOCH, MINUTE
from shared.events.base import ClinicFact, Fact
from shared.events.calendars import (
    Availability,
    Bookable,
    CalendarChanged,
    ClinicDescribed,
    Closure,
    OpenHours,
    Period,
    ResourceName,
)
from shared.events.clinical import Weekday
from shared.ids import derived_id
from tests.domain.scheduling_examples import (
    CLINIC,
    NOW,
    busy_minutes,
    change,
    claimed_minutes,
    incomplete,
    live,
    overlaps,
    plan,
    schedule,
    tell,
)

ADA, ROOM, PATIENT = ResourceName(kind="practitioner", id="pr-ada"), ("room", "room-1"), ("patient", "p1")
PLACES: Places = {("practitioner", "pr-ada"): (1,), ROOM: (11, 12), PATIENT: (1000,)}
MONDAY = date(2026, 3, 9)


def week(start: int = 8, end: int = 18, days: Sequence[Weekday] = tuple(Weekday)) -> tuple[OpenHours, ...]:
    return tuple(OpenHours(weekday=day, start=time(start), end=time(end)) for day in days)


def described(revision: int = 1, zone: str = "Europe/London", **more: object) -> ClinicDescribed:
    content = {
        "clinic_id": CLINIC,
        "revision": revision,
        "recorded_at": NOW,
        "zone": zone,
        "slot_minutes": 15,
        "buffer_minutes": 10,
        "horizon_days": 400,
        "notice_minutes": 1440,
        "hours": week(),
        "resources": (
            Bookable(kind="practitioner", id="pr-ada", offers=("acupuncture",)),
            Bookable(kind="room", id="room-1", offers=("treatment",), capacity=2),
        ),
    }
    return ClinicDescribed.model_validate(content | more)


def changed(calendar_id: str = "ada", revision: int = 1, **more: object) -> CalendarChanged:
    content = {"clinic_id": CLINIC, "calendar_id": calendar_id, "revision": revision, "recorded_at": NOW, "about": ADA}
    return CalendarChanged.model_validate(content | more)


def away(start: datetime, end: datetime, zone: str | None = None) -> tuple[Closure, ...]:
    return (Closure(start=start, end=end, zone=zone, reason="leave"),)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute))


def empty(*, calendar: ClinicCalendar | None = None) -> ClinicSchedule:
    return replace(schedule(), calendar=calendar, places=PLACES)


def put_together(*facts: ClinicFact) -> ClinicCalendar:
    state, _ = tell(empty(), *facts)
    assert state.calendar
    return state.calendar


def open_at(on: ClinicCalendar, resource: int, day: date) -> list[str]:
    """From when to when, local time."""
    mask, spans, minute = on.open_minutes(resource, day.toordinal()), list[str](), 0
    while mask >> minute:
        start = minute + ((mask >> minute) & -(mask >> minute)).bit_length() - 1
        run = mask >> start
        length = (~run & (run + 1)).bit_length() - 1
        ends = [
            on.moment(day.toordinal(), each).astimezone(on.zone).strftime("%H:%M") for each in (start, start + length)
        ]
        spans.append("-".join(ends))
        minute = start + length
    return spans


def test_without_a_description_there_is_nothing_to_book_and_what_came_first_counts_later() -> None:
    leave = changed(closed=away(at(MONDAY, 0), at(MONDAY + timedelta(days=1), 0)))
    state, _ = tell(empty(), leave)
    assert state.calendar is None
    assert open_at(put_together(leave, described()), 1, MONDAY) == []


def test_leave_is_about_one_and_a_closure_about_everybody() -> None:
    leave = changed(closed=away(at(MONDAY, 12), at(MONDAY, 14)))
    on = put_together(described(), leave)
    assert open_at(on, 1, MONDAY) == ["08:00-12:00", "14:00-18:00"]
    assert open_at(on, 11, MONDAY) == ["08:00-18:00"]
    on = put_together(described(), leave, changed("house", about=None, closed=away(at(MONDAY, 9), at(MONDAY, 10))))
    assert (open_at(on, 1, MONDAY), open_at(on, 12, MONDAY)) == (
        ["08:00-09:00", "10:00-12:00", "14:00-18:00"],
        ["08:00-09:00", "10:00-18:00"],
    )


def test_a_patient_who_cannot_come_is_closed_too() -> None:
    cannot = changed("away", about=ResourceName(kind="patient", id="p1"), closed=away(at(MONDAY, 8), at(MONDAY, 9)))
    on = put_together(described(), cannot)
    nine, ten = (at(MONDAY, hour).replace(tzinfo=on.zone) for hour in (8, 9))
    assert not on.allows(nine, ten, 1, 11, 1000)
    assert on.allows(nine, ten, 1, 11, 1001)


def test_hours_of_a_calendar_take_the_place_of_the_files_and_availability_outweighs_both() -> None:
    part_time = changed("hours", hours=week(8, 13, [Weekday.MO]))
    on = put_together(described(), part_time)
    assert (open_at(on, 1, MONDAY), open_at(on, 1, MONDAY + timedelta(days=1))) == (["08:00-13:00"], [])
    july = Period(start=at(date(2026, 7, 1), 0), end=at(date(2026, 8, 1), 0))
    evening = Period(start=at(date(2026, 7, 6), 17), end=at(date(2026, 7, 6), 20))
    outside = Period(start=at(date(2026, 8, 3), 17), end=at(date(2026, 8, 3), 20))
    on = put_together(
        described(), part_time, changed("summer", availability=(Availability(during=july, open=(evening, outside)),))
    )
    assert open_at(on, 1, date(2026, 7, 6)) == ["17:00-20:00"]
    assert open_at(on, 1, date(2026, 7, 13)) == []
    assert open_at(on, 1, date(2026, 8, 3)) == ["08:00-13:00"]


def test_a_later_availability_outweighs_an_earlier_one() -> None:
    whole, first, second = (
        Period(start=at(MONDAY, start), end=at(MONDAY, end)) for start, end in ((6, 20), (9, 12), (10, 11))
    )
    layers = (Availability(during=whole, open=(first,)), Availability(during=first, open=(second,)))
    assert open_at(put_together(described(), changed(availability=layers)), 1, MONDAY) == ["10:00-11:00"]


def test_a_withdrawn_calendar_does_not_count() -> None:
    leave = changed(closed=away(at(MONDAY, 0), at(MONDAY, 23)))
    assert open_at(put_together(described(), leave, changed(revision=2, withdrawn=True)), 1, MONDAY) == ["08:00-18:00"]


def test_a_group_room_has_a_place_for_each_of_its_capacity_and_loses_it_with_a_smaller_one() -> None:
    on = put_together(described())
    assert on.offering("room", "treatment") == (11, 12)
    smaller = (*described().resources[:1], Bookable(kind="room", id="room-1", offers=("treatment",)))
    assert put_together(described(), described(2, resources=smaller)).offering("room", "treatment") == (11,)


FACTS: tuple[ClinicFact, ...] = (
    described(),
    described(2, zone="America/New_York"),
    described(3, hours=week(7, 19)),
    changed(revision=1, closed=away(at(MONDAY, 8), at(MONDAY, 9))),
    changed(revision=2, closed=away(at(MONDAY, 10), at(MONDAY, 11))),
    changed(revision=2, closed=away(at(MONDAY, 11), at(MONDAY, 12))),
    changed("house", about=None, closed=away(at(MONDAY, 17), at(MONDAY, 20), "Asia/Tokyo")),
    changed("gone", hours=week(9, 10)),
    changed("gone", 2, withdrawn=True),
)


@settings(deadline=None, max_examples=15)
@given(st.permutations(FACTS), st.lists(st.sampled_from(FACTS), max_size=6))
def test_any_order_and_any_repetition_of_calendars_ends_in_the_same(
    order: Sequence[ClinicFact], again: Sequence[ClinicFact]
) -> None:
    expected, _ = tell(empty(), *FACTS)
    state, _ = tell(empty(), *order, *again)
    assert (state.clinic, state.calendars) == (expected.clinic, expected.calendars)
    assert state.calendar == expected.calendar


def transitions(zone: ZoneInfo, year: int) -> list[date]:
    """The local days on which the clocks change."""
    midnights = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=6 * n) for n in range(4 * 366)]
    offsets = [moment.astimezone(zone).utcoffset() for moment in midnights]
    return [
        moment.astimezone(zone).date()
        for moment, before, after in zip(midnights, offsets, offsets[1:], strict=False)
        if before != after
    ]


def test_in_no_zone_of_the_world_do_hours_closures_or_starts_shift_at_a_change_of_the_clocks() -> None:
    """What the wall clock shows at each opening, closing and start is what was asked for, on every such day."""
    shifts, days_seen, zones_changing = list[str](), 0, 0
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        changes = transitions(zone, 2026)
        zones_changing += bool(changes)
        days = sorted({near + timedelta(days=n) for near in (*changes, MONDAY) for n in (-1, 0, 1)})
        noons = tuple(Closure(start=at(day, 12), end=at(day, 13)) for day in days)
        on = compose(described(zone=name), {"noon": changed("noon", closed=noons)}, PLACES)
        assert on
        for day in days:
            days_seen += 1
            if open_at(on, 1, day) != ["08:00-12:00", "13:00-18:00"]:
                shifts.append(f"{name} {day} hours")
            grid = on.start_grid(day.toordinal())
            minutes = [minute for minute in range(grid.bit_length()) if grid >> minute & 1]
            starts = [on.moment(day.toordinal(), minute).astimezone(zone).time() for minute in minutes]
            if any(start.minute % 15 or start.second for start in starts) or len(starts) != len(set(starts)):
                shifts.append(f"{name} {day} grid")
    assert zones_changing > 150
    assert days_seen > 2500
    assert shifts == []


@pytest.mark.parametrize(("day", "minutes"), [(date(2026, 3, 29), 60), (date(2026, 10, 25), 180)])
def test_what_closes_the_hour_that_is_skipped_or_repeated_closes_all_of_it(day: date, minutes: int) -> None:
    on = put_together(
        described(hours=week(0, 23)),
        changed(closed=away(at(day, 0, 30), at(day, 2, 30) if minutes == 60 else at(day, 2))),
    )
    shut = on.closed[1][day.toordinal()]
    assert shut.bit_count() == (60 if minutes == 60 else 150)


def test_newer_zone_data_give_other_instants_from_the_same_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept is local time. Here London no longer has a summer time: everything is an hour later then."""
    day = date(2026, 7, 6)
    noon = {"noon": changed(closed=away(at(day, 12), at(day, 13)))}
    before = compose(described(), noon, PLACES)
    with (files("tzdata.zoneinfo.Etc") / "GMT").open("rb") as data:
        newer = ZoneInfo.from_file(data, key="Europe/London")
    monkeypatch.setattr("services.scheduling.domain.calendars.ZoneInfo", lambda _key: newer)  # pyright: ignore[reportUnknownLambdaType]
    after = compose(described(), noon, PLACES)
    assert before
    assert after
    for on in (before, after):
        assert open_at(on, 1, day) == ["08:00-12:00", "13:00-18:00"]
    first = [on.moment(day.toordinal(), on.minute_at(day.toordinal(), time(8))) for on in (before, after)]
    assert first[1] - first[0] == timedelta(hours=1)


@settings(deadline=None, max_examples=15)
@given(
    st.integers(0, 300 * 1440).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n)),
    st.integers(1, 2000),
    st.sampled_from(["America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Kiritimati"]),
)
def test_who_is_busy_stays_so_when_the_clinic_changes_its_zone(start: datetime, minutes: int, zone: str) -> None:
    before, after = put_together(described()), put_together(described(zone=zone))
    busy = Busy().taking(1, before.spans(start, start + timedelta(minutes=minutes)))
    moved = busy.seen_from(after, before)
    taken = {
        after.first_minute(day) + minute
        for day, mask in moved.masks[1].items()
        for minute in range(mask.bit_length())
        if mask >> minute & 1
    }
    first = (start - EPOCH) // MINUTE
    assert taken == set(range(first, first + minutes))


def test_a_leave_moves_what_it_hits_and_nothing_else() -> None:
    two = (
        Bookable(kind="practitioner", id="pr-ada", offers=("acupuncture",)),
        Bookable(kind="room", id="room-1", offers=("treatment",), capacity=2),
    )
    state, _ = tell(empty(), described(resources=two))
    state, _ = tell(state, plan())
    hit = live(state)[2]
    day = hit.start.astimezone(ZoneInfo("Europe/London")).date()
    leave = changed(closed=away(at(day, 0), at(day + timedelta(days=1), 0)))
    after, told = tell(state, leave)
    others = {a.appointment_id: a for a in live(state) if a is not hit}
    assert {
        a.appointment_id: a for a in live(after) if a.appointment_id in others and a != others[a.appointment_id]
    } == {}
    assert [fact.NAME for fact in told] == ["appointment.moved"]
    moved = next(a for a in live(after) if a.appointment_id == hit.appointment_id)
    assert moved.reason == "practitioner-away"
    assert after.calendar
    assert after.calendar.allows(moved.start, moved.end, moved.practitioner, moved.room, 1000)


LONG, SHORT = away(at(MONDAY, 0), at(MONDAY + timedelta(days=3), 0)), away(at(MONDAY, 8), at(MONDAY, 12))
AMONG_LEAVE = (
    plan(),
    changed(revision=1, closed=LONG),
    changed(revision=2, closed=SHORT),
    changed("building", closed=away(at(MONDAY + timedelta(days=7), 0), at(MONDAY + timedelta(days=8), 0)), about=None),
    change(derived_id("appointment", CLINIC, "plan-p1", 2, 1)),
)


@settings(max_examples=40, deadline=None)
@given(st.permutations(AMONG_LEAVE), st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=8))
def test_in_any_order_with_leave_all_are_booked_within_what_is_open_and_a_replay_changes_nothing(
    facts: Sequence[Fact], again: list[tuple[int, int]]
) -> None:
    state, _ = tell(empty(), described())
    for index, fact in enumerate(facts):
        state, _ = tell(state, fact)
        for _, earlier in (each for each in again if each[0] == index):
            after, told = tell(state, facts[min(earlier, index)])
            assert after == state
            assert told == []
    assert overlaps(state) == []
    assert claimed_minutes(state) == busy_minutes(state)
    assert incomplete(state) == []
    assert state.calendar
    assert replanning.misfits(Diary(state.calendar, state.busy, state.patients["p1"], NOW)) == []
    once, _ = tell(empty(), described(), *facts)
    assert once == state
