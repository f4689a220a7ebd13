"""A sheet of the calendar: its columns, and in each what stands where."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from services.console.domain.calendar.booked import Booked
from services.console.domain.calendar.opening import Closed, Day, Name, Openings, Span, shown_hours

STEP: Final = 5
"""Minutes of a row: the finest grid that a clinic may have."""
MOST_LANES: Final = 8


class Entry(NamedTuple):
    """An appointment in its column."""

    booked: Booked
    span: Span
    lane: int
    """Beside others of the same time; counted from 0."""


class Column(NamedTuple):
    """A practitioner's or a room's day."""

    name: Name
    day: Day
    open: Sequence[Span]
    closed: Sequence[Closed]
    entries: Sequence[Entry]

    @property
    def lanes(self) -> int:
        """How many appointments stand beside each other at most."""
        return max((one.lane for one in self.entries), default=0) + 1


class Sheet(NamedTuple):
    """Columns over the same hours."""

    columns: Sequence[Column]
    hours: Span
    """In minutes since midnight; full hours."""


def sheet(names: Iterable[Name], days: Sequence[Day], openings: Openings, appointments: Sequence[Booked]) -> Sheet:
    """A column for each of `names` on each of `days`."""
    of_column: dict[tuple[Name, date], list[Booked]] = {}
    for one in appointments:
        for name in (("practitioner", one.practitioner_id), ("room", one.room_id)):
            for day in days:
                if day.begin <= one.start < day.end:
                    of_column.setdefault((name, day.date), []).append(one)
    columns = [_column(name, day, openings, of_column.get((name, day.date), ())) for name in names for day in days]
    opened: Mapping[object, Sequence[Span]] = {(one.name, one.day): one.open for one in columns}
    return Sheet(columns, shown_hours(opened, (entry.span for one in columns for entry in one.entries)))


def _column(name: Name, day: Day, openings: Openings, appointments: Iterable[Booked]) -> Column:
    spans = sorted(
        ((_span(one, day), one) for one in appointments), key=lambda item: (*item[0], item[1].appointment_id)
    )
    return Column(name, day, openings.open_on(name, day), openings.closed_on(name, day), list(_side_by_side(spans)))


def _span(one: Booked, day: Day) -> Span:
    begin = day.minute(one.start)
    return Span(begin, max(day.minute(one.end), begin + STEP))


def _side_by_side(spans: Iterable[tuple[Span, Booked]]) -> Iterable[Entry]:
    """Each in the first lane that is free by then; past the last lane, they share it."""
    ends: list[int] = []
    for span, one in spans:
        lane = next((lane for lane, end in enumerate(ends) if end <= span.begin), len(ends))
        lane = min(lane, MOST_LANES - 1)
        ends[lane : lane + 1] = [span.end]
        yield Entry(one, span, lane)
