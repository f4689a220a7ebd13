"""Taking in calendars: each tells all of one calendar, and the highest revision holds."""

from datetime import datetime

from services.intake.domain.chart import PatientFile
from services.intake.domain.recording import publish_once
from shared.events.calendars import CalendarChanged, unknown_zones
from shared.messaging.errors import Refused
from shared.messaging.message import Decision


def change_calendar(file: PatientFile, fact: CalendarChanged, now: datetime) -> Decision[PatientFile]:
    """A calendar is another from now on.

    Raises:
        Refused: it names a zone that is none, or says something else than this revision said before.
    """
    if unknown_zones(fact):
        raise Refused(
            "The calendar names a time zone that is not known.",
            remedy="Use an IANA time zone such as Europe/London.",
        )
    if fact.availability and (fact.about is None or fact.about.kind == "patient"):
        raise Refused(
            "Only a practitioner's or a room's calendar has availability.",
            pointer="/availability",
            remedy="Send closed periods.",
        )
    return publish_once(file, fact)
