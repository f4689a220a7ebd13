"""Invitations: what a calendar program adds, moves and takes away, read back by independent parsers."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default as modern
from io import StringIO
from typing import Any, cast

import icalendar
from dateutil.tz import tzical

from services.notifications.domain.judgement import Content, judge
from services.notifications.domain.state import DeliveryState, Patient
from services.notifications.handlers import HANDLERS
from services.notifications.letters import Letters, Wordings
from services.notifications.store.patients import desk_of
from shared.clinics import load_clinics
from shared.events.base import Fact
from shared.settings import ROOT
from tests.domain.notifications_examples import FIRST, NOW, Example

CLINIC = load_clinics(ROOT / "clinics")["riverside"]
LETTERS = Letters(Wordings(), "https://stride.example/")
ANN = Example()


class Story:
    """A patient whose messages go out as they come due."""

    def __init__(self) -> None:
        self.patient = Patient(ANN.clinic_id, ANN.patient_id, desk_of(CLINIC))
        self.take(ANN.registered())

    def take(self, *facts: Fact) -> list[EmailMessage]:
        """The mails that follow, as their readers get them."""
        for fact in facts:
            self.patient = HANDLERS[type(fact)](self.patient, fact, NOW).state
        return [mail for topic in ("booked", "moved", "cancelled", "ended", "missed") for mail in self._sent(topic)]

    def _sent(self, topic: str) -> list[EmailMessage]:
        mails: list[EmailMessage] = []
        for delivery in [d for d in self.patient.deliveries.values() if d.topic == topic]:
            content = judge(self.patient, delivery, NOW)
            if delivery.state is DeliveryState.SCHEDULED and isinstance(content, Content):
                assert self.patient.contact is not None
                letter = LETTERS.to_patient(CLINIC, self.patient.contact, delivery, content, NOW)
                mails.append(message_from_bytes(letter.message.as_bytes(), _class=EmailMessage, policy=modern))
                sent = delivery._replace(state=DeliveryState.ACCEPTED, told=content.told)
                self.patient = self.patient.with_deliveries(sent)
        return mails


def entries(mail: EmailMessage) -> list[tuple[Message, Any, Any]]:
    """Of each calendar part: the part, its calendar and its event."""
    found: list[tuple[Message, Any, Any]] = []
    for part in mail.walk():
        if part.get_content_type() == "text/calendar":
            calendar = icalendar.Calendar.from_ical(cast("bytes", part.get_payload(decode=True)))
            (event,) = calendar.walk("VEVENT")
            found.append((part, calendar, event))
    return found


def test_an_appointment_is_added_moved_and_taken_away_under_one_uid() -> None:
    story = Story()
    later = FIRST + timedelta(days=1)
    told = [
        *story.take(ANN.booked()),
        *story.take(ANN.moved(0, 2, later)),
        *story.take(ANN.cancelled(0, 3)),
    ]
    seen = [(part.get_param("method"), str(calendar["METHOD"]), int(event["SEQUENCE"]), str(event["STATUS"]))
            for mail in told for part, calendar, event in entries(mail)]  # fmt: skip
    assert seen == [
        ("REQUEST", "REQUEST", 0, "CONFIRMED"), ("REQUEST", "REQUEST", 1, "CONFIRMED"),
        ("CANCEL", "CANCEL", 2, "CANCELLED"),
    ]  # fmt: skip
    events = [event for mail in told for _, _, event in entries(mail)]
    assert {str(event["UID"]) for event in events} == {"p-1-a0@riverside.example"}
    assert [event["DTSTART"].dt.astimezone(UTC) for event in events[:2]] == [FIRST, later]


def test_a_single_invitation_is_an_alternative_of_the_text() -> None:
    (mail,) = Story().take(ANN.booked())
    assert mail.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in mail.iter_parts()]
    assert kinds == ["text/plain", "text/html", "text/calendar"]


def test_several_invitations_are_parts_of_their_own() -> None:
    (mail,) = Story().take(*ANN.course(3))
    assert mail.get_content_type() == "multipart/mixed"
    assert len({str(event["UID"]) for _, _, event in entries(mail)}) == 3
    assert [part.get_filename() for part in mail.iter_attachments()] == [f"appointment-{n}.ics" for n in (1, 2, 3)]


def test_the_time_zone_is_whole_and_bounded() -> None:
    (mail,) = Story().take(ANN.booked())
    ((part, calendar, event),) = entries(mail)
    (zone,) = calendar.walk("VTIMEZONE")
    assert event["DTSTART"].params["TZID"] == str(zone["TZID"]) == "Europe/London"
    raw = cast("bytes", part.get_payload(decode=True))
    assert len(raw) < 4_000
    read = tzical(StringIO(raw.decode())).get("Europe/London")
    assert read is not None
    local = event["DTSTART"].dt.replace(tzinfo=read)
    assert local.astimezone(UTC) == FIRST
    offsets = [datetime(year, month, 1, 12, tzinfo=read).utcoffset() for year in (2025, 2026, 2027) for month in (1, 7)]
    assert offsets == [timedelta(0), timedelta(hours=1)] * 3


def test_an_invitation_tells_nobody_what_it_is_for() -> None:
    (mail,) = Story().take(ANN.booked())
    ((_, _, event),) = entries(mail)
    assert str(event["SUMMARY"]) == "Appointment"
    assert "acupunct" not in event.to_ical().decode().lower()
    assert (str(event["ORGANIZER"]), str(event["ATTENDEE"])) == (
        "mailto:reception@riverside.example", "mailto:ann@example.org"
    )  # fmt: skip
    assert "RRULE" not in event


def test_the_end_of_a_course_takes_its_appointments_away_before_their_cancellations_arrive() -> None:
    story = Story()
    story.take(*ANN.course(2))
    (mail,) = story.take(ANN.ended(at=NOW))
    assert [(str(c["METHOD"]), int(e["SEQUENCE"])) for _, c, e in entries(mail)] == [("CANCEL", 1), ("CANCEL", 1)]


def test_a_missed_visit_changes_no_calendar() -> None:
    story = Story()
    story.take(ANN.booked())
    (mail,) = story.take(ANN.missed(0))
    assert entries(mail) == []


def test_a_mail_of_another_language_brings_its_entry_in_it() -> None:
    story = Story()
    contact = story.patient.contact
    assert contact is not None
    story.patient = story.patient._replace(contact=contact._replace(language="de"))
    (mail,) = story.take(ANN.booked())
    ((_, _, event),) = entries(mail)
    assert str(event["SUMMARY"]) == "Termin"
    assert mail["Content-Language"] == "de"
