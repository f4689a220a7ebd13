"""Calendar parts of a mail (iMIP, RFC 6047): what a calendar program adds, moves and takes away.

An appointment keeps its UID for ever, and its SEQUENCE goes up by one with each version, so that a
calendar replaces what it has (RFC 5546). The METHOD is the same in the part's header and inside.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from email.message import EmailMessage
from functools import lru_cache
from typing import Final, Literal

from icalendar import Calendar, Event, Timezone, vCalAddress

from services.notifications.domain.state import Appointment, Contact
from shared.clinics import Clinic

Method = Literal["REQUEST", "CANCEL"]
_PRODUCT: Final = "-//Stride//Notifications//EN"
_METHODS: Final[Mapping[str, Method]] = {
    "booked": "REQUEST",
    "moved": "REQUEST",
    "cancelled": "CANCEL",
    "ended": "CANCEL",
}


@dataclass(frozen=True, slots=True)
class Invitation:
    """One appointment as a calendar object."""

    method: Method
    content: bytes

    def attach_to(self, message: EmailMessage, number: int) -> None:
        """As a part of its own; several can't be alternatives of one text."""
        message.add_attachment(
            self.content,
            maintype="text",
            subtype="calendar",
            filename=f"appointment-{number}.ics",
            params={"method": self.method, "charset": "utf-8", "component": "VEVENT"},
            cte="base64",
        )

    def offer_in(self, message: EmailMessage) -> None:
        """As an alternative of text and HTML, which mail programs show with their calendar's buttons."""
        part = EmailMessage(message.policy)
        part.set_content(self.content, maintype="text", subtype="calendar", cte="base64")
        for name, value in (("method", self.method), ("charset", "utf-8"), ("component", "VEVENT")):
            part.set_param(name, value)
        del part["MIME-Version"]
        message.attach(part)


@dataclass(frozen=True, slots=True)
class Invitations:
    """Makes the calendar objects of one message. `words` are summary and description, and tell nothing private."""

    clinic: Clinic
    contact: Contact
    words: tuple[str, str]
    now: datetime

    def of(self, topic: str, appointments: tuple[Appointment, ...]) -> list[Invitation]:
        """One for each appointment that a message of `topic` tells of; none for other topics."""
        method = _METHODS.get(topic)
        return [self._invitation(method, one) for one in appointments] if method else []

    def _invitation(self, method: Method, appointment: Appointment) -> Invitation:
        calendar = Calendar()
        calendar.add("prodid", _PRODUCT)
        calendar.add("version", "2.0")
        calendar.add("method", method)
        calendar.add_component(_zone(self.clinic.zone, appointment.start.year))
        calendar.add_component(self._event(method, appointment))
        return Invitation(method, calendar.to_ical())

    def _event(self, method: Method, appointment: Appointment) -> Event:
        summary, description = self.words
        event = Event()
        event.add("uid", uid(self.clinic, appointment))
        event.add("sequence", sequence(appointment, method))
        event.add("dtstamp", self.now)
        event.add("dtstart", appointment.start.astimezone(self.clinic.zone_info))
        event.add("dtend", appointment.end.astimezone(self.clinic.zone_info))
        event.add("summary", summary)
        event.add("description", description)
        event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
        event.add("class", "PRIVATE")
        event.add("organizer", vCalAddress(f"mailto:{self.clinic.email}"))
        attendee = vCalAddress(f"mailto:{self.contact.email}")
        attendee.params.update({"ROLE": "REQ-PARTICIPANT", "PARTSTAT": "ACCEPTED", "RSVP": "FALSE"})
        event.add("attendee", attendee)
        return event


def uid(clinic: Clinic, appointment: Appointment) -> str:
    """The same for all versions of an appointment."""
    return f"{appointment.appointment_id}@{clinic.email.rpartition('@')[2]}"


def sequence(appointment: Appointment, method: Method) -> int:
    """0 for the booking, one more for each later version. A cancellation that nobody numbered yet is the next."""
    unnumbered = method == "CANCEL" and appointment.status == "booked"
    return appointment.version if unnumbered else appointment.version - 1


@lru_cache(maxsize=256)
def _zone(name: str, year: int) -> Timezone:
    """The zone's rules of three years: a whole change each way, and no century of history."""
    return Timezone.from_tzid(name, first_date=date(year - 1, 1, 1), last_date=date(year + 2, 1, 1))
