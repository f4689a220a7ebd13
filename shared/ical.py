"""Appointments as an iCalendar file (RFC 5545) that calendar programs read.

They say when and where, never who with or what for: calendars are shared, and stand on screens.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import icalendar

_REFRESH: Final = timedelta(hours=1)


class Entry(NamedTuple):
    """One appointment."""

    appointment_id: str
    version: int
    start: datetime
    end: datetime
    room_id: str


def calendar_of(entries: Iterable[Entry]) -> bytes:
    """A calendar without METHOD: it is published, it invites nobody."""
    calendar = icalendar.Calendar()
    calendar.add("PRODID", "-//Stride//Appointments//EN")
    calendar.add("VERSION", "2.0")
    calendar.add("REFRESH-INTERVAL", _REFRESH, parameters={"VALUE": "DURATION"})
    for entry in entries:
        event = icalendar.Event()
        event.add("UID", entry.appointment_id)
        # The stamp must not change while the appointment doesn't, or no feed would ever be the same.
        event.add("DTSTAMP", entry.start)
        event.add("SEQUENCE", entry.version - 1)
        event.add("DTSTART", entry.start)
        event.add("DTEND", entry.end)
        event.add("SUMMARY", "Appointment")
        event.add("LOCATION", entry.room_id)
        event.add("STATUS", "CONFIRMED")
        calendar.add_component(event)
    return calendar.to_ical()
