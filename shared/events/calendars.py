"""When a clinic, its practitioners, its rooms and its patients can be booked: calendars as facts.

A calendar is one source of such times: the clinic's file, a practitioner's own calendar, a list of
closures. Each fact tells all of one calendar, and the highest revision holds; so facts that come late,
twice or out of order end in the same calendars.
"""

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Annotated, ClassVar, Literal, Self
from zoneinfo import available_timezones

from pydantic import Field, NaiveDatetime, model_validator

from shared.events.base import ClinicFact, Code, Identifier, Moment, Part
from shared.events.clinical import Weekday

MOST_PERIODS = 4000
"""Of one list of one calendar: a busy year of a practitioner has some 2,000."""
_LONGEST = timedelta(days=366 * 5)
_YEARS = range(1900, 2200)

Zone = Annotated[str, Field(max_length=64)]
"""IANA time zone."""


class OpenHours(Part):
    """Open on one weekday from `start` to `end`, local time, from and until the days given (both included)."""

    weekday: Weekday
    start: time
    end: time
    valid_from: date | None = None
    valid_until: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start >= self.end:
            raise ValueError("start must be before end")
        return self


class Period(Part):
    """From `start` up to `end` by the clocks of `zone`, the clinic's where it is not given.

    Local time, so that what was agreed stays when the rules of the zone change.
    """

    start: NaiveDatetime
    end: NaiveDatetime
    zone: Zone | None = None

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.start >= self.end or self.end - self.start > _LONGEST:
            raise ValueError("start must be before end, and five years before it at most")
        if self.start.year not in _YEARS or self.end.year not in _YEARS:
            raise ValueError(f"the year must lie between {_YEARS[0]} and {_YEARS[-1]}")
        return self


class Closure(Period):
    """Not to be booked: leave, a closed room, a holiday, or something else that is on."""

    reason: Code = "closed"


Periods = Annotated[tuple[Period, ...], Field(max_length=MOST_PERIODS)]
Closures = Annotated[tuple[Closure, ...], Field(max_length=MOST_PERIODS)]
Week = Annotated[tuple[OpenHours, ...], Field(max_length=500)]


class Availability(Part):
    """Within `during`, open just where `open` says (RFC 7953); the weekly hours do not count there."""

    during: Period
    open: Periods = ()


class ResourceName(Part):
    """Whom or what a calendar is about."""

    kind: Literal["practitioner", "room", "patient"]
    id: Identifier


Buffer = Annotated[int, Field(ge=0, le=120)]
"""Minutes between two sessions: to air a room, to write a note."""


class Bookable(Part):
    """A practitioner with skills, or a room of a kind."""

    kind: Literal["practitioner", "room"]
    id: Identifier
    offers: Annotated[tuple[Code, ...], Field(min_length=1, max_length=50)]
    """The practitioner's skills, or the room's kind."""
    hours: Week | None = None
    """The clinic's where it has none of its own."""
    capacity: Annotated[int, Field(ge=1, le=50)] = 1
    """How many sessions it takes at once: more than one for group rooms and who treats there."""
    buffer_minutes: Buffer | None = None
    """How long it stays taken after a session; the clinic's where it has none of its own."""
    closed: Closures = ()


Revision = Annotated[int, Field(ge=1, le=10**15)]
"""The highest one holds."""


class ClinicDescribed(ClinicFact):
    """What the clinic's file says: its zone, its grid, who treats there and where, and when it is closed."""

    NAME: ClassVar[str] = "clinic.described"
    revision: Revision
    recorded_at: Moment
    zone: Zone
    slot_minutes: Annotated[int, Field(ge=5, le=60)]
    """Sessions start on multiples of this many minutes past the hour."""
    buffer_minutes: Annotated[int, Field(ge=0, le=60)]
    """How long practitioner and room stay taken after a session."""
    horizon_days: Annotated[int, Field(ge=28, le=730)]
    notice_minutes: Annotated[int, Field(ge=0, le=20160)]
    """Nothing is booked to start earlier than this from now."""
    firm_days: Annotated[int, Field(ge=1, le=730)] = 14
    """A session later than this from now may still be moved where its course becomes better."""
    hours: Week
    resources: Annotated[tuple[Bookable, ...], Field(min_length=1, max_length=1000)]
    closed: Closures = ()

    @property
    def natural_key(self) -> str:
        return str(self.revision)

    @property
    def subject(self) -> str:
        return self.clinic_id


class CalendarChanged(ClinicFact):
    """All of one calendar of the clinic, as it is from now on."""

    NAME: ClassVar[str] = "calendar.changed"
    calendar_id: Identifier
    """One of a kind within the clinic."""
    revision: Revision
    recorded_at: Moment
    about: ResourceName | None = None
    """The whole clinic where nobody is named."""
    hours: Week | None = None
    """In place of the weekly hours that the clinic's file gives."""
    buffer_minutes: Buffer | None = None
    """Of a practitioner or a room, in place of the clinic file's; of several calendars the last by id counts."""
    availability: Annotated[tuple[Availability, ...], Field(max_length=100)] = ()
    """In order: a later one outweighs an earlier one. Not for a patient or the whole clinic."""
    closed: Closures = ()
    withdrawn: bool = False
    """The calendar is no more; what it says does not count."""

    @property
    def natural_key(self) -> str:
        return f"{self.calendar_id}/{self.revision}"


def unknown_zones(fact: ClinicDescribed | CalendarChanged) -> list[str]:
    """The zones that it names and this machine's zone data do not have."""
    return sorted(set(_zones(fact)) - available_timezones())


def _zones(fact: ClinicDescribed | CalendarChanged) -> Iterator[str]:
    periods: list[Period] = [*fact.closed]
    if isinstance(fact, ClinicDescribed):
        yield fact.zone
        periods += [closure for each in fact.resources for closure in each.closed]
    else:
        periods += [period for each in fact.availability for period in (each.during, *each.open)]
    yield from (period.zone for period in periods if period.zone)
