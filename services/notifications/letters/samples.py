"""A made-up patient and course, to look at templates with: everything that a message may have to say is there."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from services.notifications.domain.judgement import Content
from services.notifications.domain.state import Alert, Appointment, Contact
from services.notifications.letters.mail import Letters
from services.notifications.letters.values import Links, patient_values, reader, staff_values
from services.notifications.letters.wordings import Wording
from shared.clinics import Clinic

NOW: Final = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
FIRST: Final = datetime(2026, 9, 23, 13, 30, tzinfo=UTC)
"""A Wednesday in September: the longest date that English has."""
_DAYS: Final = (0, 5, 7, 12, 14, 21, 28, 42)
_NAMES: Final = {"ar": "ليلى حداد", "de": "Jürgen Großmann", "es": "María Núñez", "fr": "Chloé Lefèvre"}


def sample_contact(language: str) -> Contact:
    """Somebody who reads `language`."""
    name = _NAMES.get(language, "Ann Example")
    return Contact(0, name, "patient@example.org", language, None, "+447700900123")


def sample_content(clinic: Clinic, topic: str, count: int) -> Content:
    """`count` appointments, and for a milestone or an alert what it is about."""
    with_whom = clinic.practitioners[0].id
    appointments = tuple(_appointment(number, with_whom) for number in range(count))
    changed = (
        {one.appointment_id: one.start - timedelta(days=1) for one in appointments}
        if topic in ("moved", "offer")
        else {}
    )
    overview = topic == "booked" and count > 1
    return Content(appointments, changed, milestone=_alert(), overview=overview, answer_by=NOW + timedelta(hours=4))


STAFF: Final = frozenset({"alert", "alerts", "digest"})
"""The topics that go to staff, in English."""


def sample_values(clinic: Clinic, letters: Letters, wording: Wording, count: int) -> dict[str, Any]:
    """What the templates of a topic are filled with."""
    if wording.topic in STAFF:
        waiting = [("p-1", _alert())] * min(count, 3)
        return staff_values(clinic, waiting, letters.public_url) | {"count": count}
    links = Links(*(f"{letters.public_url}{place}/sample" for place in ("p", "u", "p", "o")))
    to = reader(clinic, sample_contact(wording.language), wording.language, letters.wordings.translations)
    return {**patient_values(to, sample_content(clinic, wording.topic, count), links), "code": "482913"}


def _appointment(number: int, with_whom: str) -> Appointment:
    rounds, day = divmod(number, len(_DAYS))
    start = FIRST + timedelta(days=_DAYS[day] + 49 * rounds)
    end = start + timedelta(minutes=45)
    return Appointment(f"sample-{number}", "plan", number + 1, 2, "booked", start, end, with_whom)


def _alert() -> Alert:
    evidence = {"title": "Walks 10 m in 14 s", "measure": "10mwt", "evidence": {"baseline": 18.2, "values": [14.1]}}
    return Alert("sample", "milestone", "warning", "Milestone reached: Walks 10 m in 14 s", NOW, evidence, "st-ada")
