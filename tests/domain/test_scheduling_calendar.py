"""Local time, minute bits and both changes of the clocks."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduling.domain.busy import Busy
from services.scheduling.domain.calendar import ClinicCalendar, Rule
from services.scheduling.domain.minutes import beginnings, minutes_between
from tests.domain.scheduling_examples import calendar, practitioner, room, week

FORWARD, BACK = date(2026, 3, 29), date(2026, 10, 25)
"""When the clocks of London change."""


def bits(mask: int) -> Iterator[int]:
    return (minute for minute in range(mask.bit_length()) if mask >> minute & 1)


def local(on: ClinicCalendar, day: date, minute: int) -> time:
    return on.moment(day.toordinal(), minute).astimezone(on.zone).time()


@pytest.mark.parametrize(("day", "hours"), [(FORWARD, 23), (BACK, 25), (date(2026, 6, 1), 24)])
def test_a_local_day_is_as_long_as_the_clocks_say(day: date, hours: int) -> None:
    assert calendar().length(day.toordinal()) == hours * 60


@pytest.mark.parametrize("day", [FORWARD, BACK, FORWARD + timedelta(days=1), date(2026, 1, 5)])
def test_opening_hours_are_local_time_whatever_the_clocks_do(day: date) -> None:
    on = calendar(practitioner(1, rules=week(8, 18, range(7))), room(11))
    opened = list(bits(on.open_minutes(1, day.toordinal())))
    assert (local(on, day, opened[0]), len(opened)) == (time(8), 600)
    assert local(on, day, opened[-1] + 1) == time(18)


@pytest.mark.parametrize(("day", "minutes"), [(FORWARD, 120), (BACK, 240)])
def test_hours_across_the_change_have_the_minutes_that_really_pass(day: date, minutes: int) -> None:
    on = calendar(practitioner(1, rules=week(0, 3, range(7))), room(11))
    assert on.open_minutes(1, day.toordinal()).bit_count() == minutes


def test_no_session_starts_in_the_hour_that_is_skipped_nor_twice_in_the_one_that_is_repeated() -> None:
    on = calendar()
    skipped = [local(on, FORWARD, minute) for minute in bits(on.start_grid(FORWARD.toordinal()))]
    assert (len(skipped), time(1, 30) in skipped, skipped.count(time(2, 0))) == (92, False, 1)
    repeated = [local(on, BACK, minute) for minute in bits(on.start_grid(BACK.toordinal()))]
    assert (len(repeated), repeated.count(time(1, 30))) == (96, 1)


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Chatham"])
@pytest.mark.parametrize("slot", [15, 20])
def test_the_grid_is_local_in_zones_of_odd_offsets(zone: str, slot: int) -> None:
    on = replace(calendar(zone=zone), slot_minutes=slot)
    for day in range(date(2026, 1, 1).toordinal(), date(2026, 12, 31).toordinal()):
        starts = bits(on.start_grid(day))
        assert all(local(on, date.fromordinal(day), minute).minute % slot == 0 for minute in starts)


def test_a_holiday_and_an_absence_close_what_the_rules_open() -> None:
    day = date(2026, 3, 4)
    assert calendar(holidays=[day]).open_minutes(1, day.toordinal()) == 0
    morning = {day.toordinal(): minutes_between(8 * 60, 12 * 60)}
    away = replace(calendar(), closed={1: morning})
    assert away.open_minutes(1, day.toordinal()).bit_count() == 360
    assert away.open_minutes(2, day.toordinal()).bit_count() == 600


def test_a_rule_opens_only_while_it_is_valid() -> None:
    rule = Rule(0, time(8), time(9), valid_from=date(2026, 3, 9), valid_until=date(2026, 3, 16))
    mondays = [date(2026, 3, 2) + timedelta(weeks=n) for n in range(4)]
    assert [rule.holds_on(day) for day in mondays] == [False, True, True, False]
    assert not rule.holds_on(date(2026, 3, 10))


@given(st.integers(0, (1 << 300) - 1), st.integers(1, 90))
def test_beginnings_are_the_minutes_from_which_enough_minutes_are_free(free: int, length: int) -> None:
    expected = sum(1 << m for m in range(300) if all(free >> m + i & 1 for i in range(length)))
    assert beginnings(free, length) == expected


@given(
    st.integers(0, 365 * 1440).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n)),
    st.integers(1, 3000),
    st.sampled_from(["Europe/London", "America/Sao_Paulo", "Asia/Beirut", "Australia/Lord_Howe", "Africa/Cairo"]),
)
def test_a_span_covers_exactly_its_minutes_over_the_local_days_it_touches(
    start: datetime, minutes: int, zone: str
) -> None:
    on = calendar(zone=zone)
    spans = list(on.spans(start, start + timedelta(minutes=minutes)))
    moments = [on.moment(day, minute) for day, mask in spans for minute in bits(mask)]
    assert moments == [start + timedelta(minutes=n) for n in range(minutes)]
    assert all(moment.astimezone(ZoneInfo(zone)).toordinal() == day for day, mask in spans
               for moment in [on.moment(day, next(bits(mask)))])  # fmt: skip


def test_taking_and_freeing_give_back_the_same_calendar_and_leave_the_old_one_alone() -> None:
    empty = Busy()
    taken = empty.taking(1, [(5, 0b1110)])
    assert (empty.on(1, 5), taken.on(1, 5), taken.freeing(1, [(5, 0b0110)]).on(1, 5)) == (0, 0b1110, 0b1000)
    assert minutes_between(2, 4) == 0b1100
