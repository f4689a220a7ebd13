"""The console's calendar: what is open, as scheduling sees it; what was held; what stands beside what."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from services.console.domain.calendar.booked import Booked, Held, with_held
from services.console.domain.calendar.opening import Day, Openings, Span
from services.console.domain.calendar.sheet import sheet
from services.scheduling.domain.calendars import compose
from services.scheduling.domain.minutes import runs
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

ZONE = ZoneInfo("Europe/London")
SPRING = date(2026, 3, 29)
"""The clocks go forward."""
NAMES = (("practitioner", "pr-1"), ("practitioner", "pr-2"), ("room", "room-1"))
PLACES = {name: (number,) for number, name in enumerate(NAMES, 1)}

days = st.integers(-4, 4).map(lambda n: SPRING + timedelta(days=n))
times = st.integers(0, 95).map(lambda n: time(n // 4, n % 4 * 15))
walls = st.builds(datetime.combine, days, times)


@st.composite
def hours(draw: st.DrawFn) -> OpenHours:
    start, end = sorted(draw(st.sets(times, min_size=2, max_size=2)))
    return OpenHours(weekday=draw(st.sampled_from(list(Weekday))), start=start, end=end, valid_until=draw(
        st.none() | days))  # fmt: skip


@st.composite
def periods(draw: st.DrawFn, kind: Any = Period, **more: Any) -> Any:
    start, end = sorted(draw(st.sets(walls, min_size=2, max_size=2)))
    zone = draw(st.sampled_from([None, "Europe/London", "America/New_York"]))
    return kind(start=start, end=end, zone=zone, **more)


def clinic(week: list[OpenHours], closed: list[Closure], own: list[OpenHours] | None = None) -> ClinicDescribed:
    resources = [
        Bookable(kind="practitioner", id="pr-1", offers=("acupuncture",), hours=None if own is None else tuple(own)),
        Bookable(kind="practitioner", id="pr-2", offers=("acupuncture",)),
        Bookable(kind="room", id="room-1", offers=("treatment",), closed=tuple(closed[:1])),
    ]
    return ClinicDescribed(
        clinic_id="c", revision=1, recorded_at=datetime(2026, 1, 1, tzinfo=UTC), zone="Europe/London", slot_minutes=15,
        buffer_minutes=0, horizon_days=100, notice_minutes=0, hours=tuple(week), resources=tuple(resources),
        closed=tuple(closed[1:]),
    )  # fmt: skip


@st.composite
def calendars(draw: st.DrawFn, number: int) -> CalendarChanged:
    about = draw(st.sampled_from([None, *NAMES]))
    spells = st.builds(Availability, during=periods(), open=st.lists(periods(), max_size=2).map(tuple))
    return CalendarChanged(
        clinic_id="c", calendar_id=f"cal-{number}", revision=1, recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
        about=ResourceName(kind=about[0], id=about[1]) if about else None,  # pyright: ignore[reportArgumentType]
        hours=draw(st.none() | st.lists(hours(), max_size=2).map(tuple)),
        availability=tuple(draw(st.lists(spells, max_size=2))) if about else (),
        closed=tuple(draw(st.lists(periods(Closure), max_size=2))),
        withdrawn=draw(st.booleans()),
    )  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(
    st.builds(clinic, st.lists(hours(), max_size=6), st.lists(periods(Closure), max_size=3),
              st.none() | st.lists(hours(), max_size=3)),
    st.integers(0, 3).flatmap(lambda n: st.tuples(*(calendars(number) for number in range(n)))),
    days,
)  # fmt: skip
def test_it_is_open_when_scheduling_says_so(
    described: ClinicDescribed, changed: tuple[CalendarChanged, ...], on: date
) -> None:
    theirs = compose(described, {one.calendar_id: one for one in changed}, PLACES)
    assert theirs
    openings = Openings(described, changed)
    for name, (place,) in PLACES.items():
        expected = [Span(*run) for run in runs(theirs.open_minutes(place, on.toordinal()))]
        assert openings.open_on(name, Day(on, ZONE)) == expected


def booked(number: int, start: datetime, **changes: Any) -> Booked:
    one = Booked("p-1", f"ap-{number}", "plan-1", number, 1, "booked", "", start, start + timedelta(minutes=45),
                 "pr-1", "room-1")  # fmt: skip
    return one._replace(**changes)


NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def states(appointments: list[Booked], *held: Held) -> list[str]:
    return [one.state for one in with_held(appointments, held, ZONE)]


def test_a_session_marks_the_appointment_that_it_names_or_the_nearest_of_its_day() -> None:
    two = [booked(1, NINE), booked(2, NINE + timedelta(hours=3))]
    assert states(two, Held("p-1", NINE + timedelta(days=9), None, "ap-2")) == ["booked", "held"]
    assert states(two, Held("p-1", NINE + timedelta(hours=2), None, None)) == ["booked", "held"]
    assert states(two, Held("p-1", NINE, "other", None)) == ["booked", "booked"]
    assert states(two, Held("p-2", NINE, None, None)) == ["booked", "booked"]
    assert states(two, Held("p-1", NINE - timedelta(days=1), None, None)) == ["booked", "booked"]
    missed = [two[0]._replace(state="missed"), two[1]]
    assert states(missed, Held("p-1", NINE, None, None)) == ["missed", "held"]
    assert states([two[0]._replace(state="cancelled")], Held("p-1", NINE, None, None)) == ["cancelled"]


def test_appointments_of_one_time_stand_beside_each_other_and_the_sheet_reaches_to_all() -> None:
    at = [NINE.replace(hour=7), NINE.replace(hour=7, minute=30), NINE.replace(hour=8), NINE.replace(hour=20)]
    drawn = sheet(
        [("practitioner", "pr-1"), ("room", "room-2")],
        [Day(NINE.date(), ZONE)],
        Openings(None, ()),
        [booked(n, start) for n, start in enumerate(at)],
    )
    first, empty = drawn.columns
    assert [entry.lane for entry in first.entries] == [0, 1, 0, 0]
    assert (first.lanes, empty.lanes, empty.entries) == (2, 1, [])
    assert drawn.hours == Span(7 * 60, 21 * 60)


def test_a_day_on_which_the_clocks_change_has_its_hours() -> None:
    day = Day(SPRING, ZONE)
    assert day.length == 23 * 60
    assert [f"{day.clock(hour * 60):%H:%M}" for hour in range(4)] == ["00:00", "02:00", "03:00", "04:00"]
