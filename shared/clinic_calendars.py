"""A clinic's hours, leave and public holidays, from the words of its file to those of facts."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Final, cast

import holidays

from shared.clinics import Closed, Holidays, Week
from shared.events.calendars import Closure, OpenHours

_YEARS_AHEAD: Final = 3


def open_hours(week: Week) -> tuple[OpenHours, ...]:
    """The hours of each weekday."""
    return tuple(
        OpenHours(
            weekday=weekday,
            start=span.start,
            end=span.end,
            valid_from=span.valid_from,
            valid_until=span.valid_until,
        )
        for weekday, spans in week.items()
        for span in spans
    )


def closures(closed: Iterable[Closed]) -> tuple[Closure, ...]:
    """The times in which somebody is away or something is closed."""
    return tuple(Closure(start=each.begin, end=each.until, reason=each.reason) for each in closed)


def holiday_closures(wanted: Holidays | None, year: int) -> tuple[Closure, ...]:
    """The public holidays on which it is closed and its own, from the year before `year` to three years after it."""
    if wanted is None:
        return ()
    years = range(year - 1, year + _YEARS_AHEAD + 1)
    found = holidays.country_holidays(wanted.country, subdiv=wanted.subdivision, years=years)
    days = set(cast(Mapping[date, str], found)) | set(wanted.also)
    return tuple(map(_all_day, sorted(days - set(wanted.open))))


def _all_day(day: date) -> Closure:
    start = datetime.combine(day, time(0))
    return Closure(start=start, end=start + timedelta(days=1), reason="holiday")
