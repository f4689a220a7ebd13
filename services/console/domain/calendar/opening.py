"""When a practitioner or a room can be booked on a day, put together from the clinic's calendars as facts.

As scheduling does it; a test holds the two together. A day is looked at in minutes since its local midnight, so one on
which the clocks change has 1,380 or 1,500. A set of minutes is an int whose bit m stands for minute m.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from shared.events.calendars import CalendarChanged, ClinicDescribed, Closure, OpenHours, Period
from shared.events.clinical import Weekday

_WEEKDAYS: Final = tuple(Weekday)
_MINUTE: Final = timedelta(minutes=1)
Name = tuple[str, str]
"""`practitioner` or `room`, and the id."""


class Span(NamedTuple):
    """From minute to minute of a day."""

    begin: int
    end: int


class Closed(NamedTuple):
    """Why nothing can be booked for a while, whatever the hours say."""

    span: Span
    reason: str
    whole_clinic: bool


class Day(NamedTuple):
    """A local day: what its minutes are."""

    date: date
    zone: ZoneInfo

    @property
    def begin(self) -> datetime:
        """Its first instant."""
        return _instant(datetime.combine(self.date, time()), self.zone)

    @property
    def end(self) -> datetime:
        """The first instant of the day after."""
        return Day(self.date + timedelta(days=1), self.zone).begin

    @property
    def length(self) -> int:
        """How many minutes it has."""
        return (self.end - self.begin) // _MINUTE

    def minute(self, at: datetime) -> int:
        """The minute of an instant, within the day."""
        return min(max(0, (at - self.begin) // _MINUTE), self.length)

    def minute_after(self, at: datetime) -> int:
        """The first minute that is wholly after an instant."""
        return min(max(0, -((self.begin - at) // _MINUTE)), self.length)

    def clock(self, minute: int) -> datetime:
        """What the clocks show then, with their offset."""
        return (self.begin + minute * _MINUTE).astimezone(self.zone)


class Openings:
    """What a clinic's newest calendars say; `calendars` are those that are not withdrawn, by id."""

    def __init__(self, clinic: ClinicDescribed | None, calendars: Iterable[CalendarChanged]) -> None:
        self.clinic = clinic
        self.calendars = sorted((one for one in calendars if not one.withdrawn), key=lambda one: one.calendar_id)
        self._described = {(one.kind, one.id): one for one in clinic.resources} if clinic else {}

    def open_on(self, name: Name, day: Day) -> list[Span]:
        """When it can be booked, but for what is booked already."""
        opened = 0
        for hours in self._hours(name):
            if hours.weekday == _WEEKDAYS[day.date.weekday()] and _valid(hours, day.date):
                begin, end = (_instant(datetime.combine(day.date, at.replace(second=0, microsecond=0)), day.zone)
                              for at in (hours.start, hours.end))  # fmt: skip
                opened |= _minutes(day.minute(begin), day.minute(end))
        for spell in (spell for one in self._about(name) for spell in one.availability):
            opened &= ~self._inside(spell.during, day)
            for period in spell.open:
                opened |= self._inside(period, day) & self._inside(spell.during, day)
        for closed in self.closed_on(name, day):
            opened &= ~_minutes(*closed.span)
        return list(_runs(opened))

    def closed_on(self, name: Name, day: Day) -> list[Closed]:
        """Leave, holidays and closures, by when they begin."""
        described = self._described.get(name)
        own = [*(described.closed if described else ()), *(c for one in self._about(name) for c in one.closed)]
        general = [*(self.clinic.closed if self.clinic else ()), *(c for one in self._about(None) for c in one.closed)]
        found = [*self._closed(own, day, whole_clinic=False), *self._closed(general, day, whole_clinic=True)]
        return sorted(found)

    def _closed(self, closures: Iterable[Closure], day: Day, *, whole_clinic: bool) -> Iterator[Closed]:
        for one in closures:
            if not _near(one, day):
                continue
            begin, end = self._bounds(one, day, fold=1)
            span = Span(day.minute(begin), day.minute_after(end))
            if span.begin < span.end:
                yield Closed(span, one.reason, whole_clinic)

    def _inside(self, period: Period, day: Day) -> int:
        """The minutes of the day that lie wholly within the period."""
        if not _near(period, day):
            return 0
        begin, end = self._bounds(period, day)
        return _minutes(day.minute_after(begin), day.minute(end))

    def _bounds(self, period: Period, day: Day, fold: int = 0) -> tuple[datetime, datetime]:
        zone = ZoneInfo(period.zone) if period.zone else day.zone
        return _instant(period.start, zone), _instant(period.end.replace(fold=fold), zone)

    def _hours(self, name: Name) -> Sequence[OpenHours]:
        """Those of the nearest source that says any; none at all is said too."""
        described = self._described.get(name)
        if described is None:
            return ()
        weeks = (self._given(name), described.hours, self._given(None), self.clinic.hours if self.clinic else None)
        return next((week for week in weeks if week is not None), ())

    def _given(self, name: Name | None) -> Sequence[OpenHours] | None:
        given = [one.hours for one in self._about(name) if one.hours is not None]
        return [hours for week in given for hours in week] if given else None

    def _about(self, name: Name | None) -> list[CalendarChanged]:
        return [one for one in self.calendars if ((one.about.kind, one.about.id) if one.about else None) == name]


def shown_hours(days: Mapping[object, Sequence[Span]], spans: Iterable[Span]) -> Span:
    """From which full hour to which a page has to reach: all that is open, and all that is booked."""
    known = [*(span for opened in days.values() for span in opened), *spans]
    if not known:
        return Span(8 * 60, 18 * 60)
    return Span(min(span.begin for span in known) // 60 * 60, -(-max(span.end for span in known) // 60) * 60)


def _near(period: Period, day: Day) -> bool:
    """Whether it may touch the day, whatever its zone: years of closures are looked through."""
    margin = timedelta(days=2)
    midnight = datetime.combine(day.date, time())
    return period.start < midnight + margin and period.end > midnight - margin + timedelta(days=1)


def _valid(hours: OpenHours, on: date) -> bool:
    return (hours.valid_from or on) <= on <= (hours.valid_until or on)


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _minutes(begin: int, end: int) -> int:
    return ((1 << end) - 1) & ~((1 << begin) - 1) if begin < end else 0


def _runs(mask: int) -> Iterator[Span]:
    """The stretches of neighbouring minutes."""
    while mask:
        begin = (mask & -mask).bit_length() - 1
        length = (~(mask >> begin) & -~(mask >> begin)).bit_length() - 1
        yield Span(begin, begin + length)
        mask &= ~_minutes(begin, begin + length)
