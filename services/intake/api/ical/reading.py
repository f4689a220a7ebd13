"""What an iCalendar file says about when somebody can be booked. Who and what it is about stays out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import icalendar

from services.intake.api.ical.recurrence import days_of, rule_of
from services.intake.api.ical.refusal import NotUsable
from shared.events.calendars import MOST_PERIODS

AHEAD = timedelta(days=550)
"""How far ahead recurrences are written out."""
_BACK = timedelta(days=1)
_MOST_COMPONENTS = 5000
_LONGEST = timedelta(days=366 * 2)
_LOWEST_PRIORITY = 10
Span = dict[str, Any]
"""Start, end and zone, as a `Period` has them."""


@dataclass(frozen=True, slots=True)
class Content:
    """Periods of a calendar: `closed` ones, and `availability` from the least to the most important."""

    closed: list[Span] = field(default_factory=list[Span])
    availability: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


@dataclass(frozen=True, slots=True)
class Window:
    """The local days that count."""

    first: date
    last: date


def read_calendar(body: bytes, now: datetime) -> Content:
    """The busy times (opaque events) and the availability of a file, from yesterday to 550 days ahead.

    Raises:
        NotUsable: no iCalendar, too large, or with something that can't be expanded.
    """
    if body.count(b"BEGIN:") > _MOST_COMPONENTS:
        raise NotUsable(f"More than {_MOST_COMPONENTS} components.", "Send the events of the next year only.")
    try:
        calendar = icalendar.Calendar.from_ical(body)
        return _content(calendar, Window((now - _BACK).date(), (now + AHEAD).date()))
    except NotUsable:
        raise
    except Exception:  # noqa: BLE001  # whatever a stranger's bytes make the parser stumble over
        raise NotUsable("The file is no iCalendar that can be read.", "Export it again; see RFC 5545.") from None


def _content(calendar: Any, window: Window) -> Content:
    if calendar.name != "VCALENDAR":
        raise NotUsable("The file has no VCALENDAR.", "Send one VCALENDAR.")
    content = Content()
    events = [event for event in calendar.walk("VEVENT") if _counts(event)]
    moved = {(str(event.get("UID")), _identity(event["RECURRENCE-ID"].dt)) for event in calendar.walk("VEVENT")
             if "RECURRENCE-ID" in event}  # fmt: skip
    for event in events:
        for span, start in _occurrences(event, window):
            if "RECURRENCE-ID" in event or (str(event.get("UID")), _identity(start)) not in moved:
                content.closed.append({**span, "reason": "busy"})
                _check(len(content.closed))
    for availability in sorted(calendar.walk("VAVAILABILITY"), key=_priority, reverse=True):
        content.availability.append(_availability(availability, window))
    return content


def _counts(event: Any) -> bool:
    """Neither cancelled nor marked as free time."""
    return str(event.get("STATUS", "")) != "CANCELLED" and str(event.get("TRANSP", "")) != "TRANSPARENT"


def _priority(availability: Any) -> int:
    return int(availability.get("PRIORITY", 0)) or _LOWEST_PRIORITY


def _availability(availability: Any, window: Window) -> dict[str, Any]:
    start = availability["DTSTART"].dt if "DTSTART" in availability else window.first
    end = _end(availability, start) if {"DTEND", "DURATION"} & set(availability) else window.last
    begin, until = max(_day(start), window.first), min(_day(end), window.last)
    zone = _zone(start)
    during = {
        "start": _local(start) if _day(start) == begin else datetime.combine(begin, time(0)),
        "end": _local(end) if _day(end) == until else datetime.combine(until, time(0)),
        "zone": zone,
    }
    open_: list[Span] = []
    for available in availability.subcomponents:
        if available.name == "AVAILABLE":
            open_ += [span for span, _ in _occurrences(available, window)]
            _check(len(open_))
    return {"during": during, "open": open_}


def _occurrences(event: Any, window: Window) -> Iterator[tuple[Span, date | datetime]]:
    """What lies in the window, each with the start by which exceptions name it."""
    start = event["DTSTART"].dt
    length = _local(_end(event, start)) - _local(start)
    if not timedelta(0) < length <= _LONGEST:
        if length == timedelta(0):
            return
        raise NotUsable("An event ends before it starts, or lasts more than two years.", "Correct its DTEND.")
    skipped = {_identity(day) for day in _dates(event, "EXDATE")}
    reach = Window(window.first - length, window.last)
    for begin in _starts(event, start, reach):
        if reach.first <= _day(begin) <= reach.last and _identity(begin) not in skipped:
            yield _span(begin, length), begin


def _starts(event: Any, start: date | datetime, window: Window) -> Iterator[date | datetime]:
    rules = event.get("RRULE", [])
    rules = rules if isinstance(rules, list) else [rules]
    seen: set[Any] = set()
    days = [start, *(_on(start, day) for rule in rules for day in _days(rule, start, window)), *_dates(event, "RDATE")]
    for each in days:
        if _identity(each) not in seen:
            seen.add(_identity(each))
            yield each


def _days(rule: Mapping[str, Any], start: date | datetime, window: Window) -> Iterator[date]:
    return days_of(rule_of(rule), _day(start), window.last)


def _dates(event: Any, name: str) -> list[date | datetime]:
    found = event.get(name, [])
    lists = found if isinstance(found, list) else [found]
    moments = [each.dt for one in lists for each in one.dts]
    return [moment[0] if isinstance(moment, tuple) else moment for moment in moments]


def _end(event: Any, start: date | datetime) -> date | datetime:
    if "DTEND" in event:
        return event["DTEND"].dt
    if "DURATION" in event:
        return start + event["DURATION"].dt
    return start if isinstance(start, datetime) else start + timedelta(days=1)


def _span(start: date | datetime, length: timedelta) -> Span:
    begin = _local(start)
    return {"start": begin, "end": begin + length, "zone": _zone(start)}


def _on(start: date | datetime, day: date) -> date | datetime:
    return datetime.combine(day, start.timetz()) if isinstance(start, datetime) else day


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _local(moment: date | datetime) -> datetime:
    """What the clocks of its zone show; of a zone that is no IANA zone, those of UTC."""
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time(0))
    if moment.tzinfo and not getattr(moment.tzinfo, "key", None):
        return moment.astimezone(UTC).replace(tzinfo=None)
    return moment.replace(tzinfo=None)


def _zone(moment: date | datetime) -> str | None:
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        return None
    return str(getattr(moment.tzinfo, "key", None) or "UTC")


def _identity(moment: date | datetime) -> Any:
    """By which a recurrence's exceptions name it: the instant, or the local time or day where it has no zone."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC) if moment.tzinfo else moment
    return moment


def _check(periods: int) -> None:
    if periods > MOST_PERIODS:
        raise NotUsable(f"More than {MOST_PERIODS} periods.", "Send the events of the next year only.")
