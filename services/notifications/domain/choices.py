"""The choices that there are, and what each stands for."""

from collections.abc import Mapping
from datetime import time, timedelta
from re import fullmatch
from typing import Final

from services.notifications.domain.reach import CHANNELS
from services.notifications.domain.state import Patient, wish
from shared.messages import QuietHours

OPTIONAL_TOPICS: Final = ("reminder", "milestone", "missed", "offer")
"""Kinds of messages that a patient may do without; what changes an appointment is always told."""
SWITCHES: Final = (*CHANNELS, *(f"topic.{topic}" for topic in OPTIONAL_TOPICS))
LONGEST_QUIET: Final = timedelta(hours=16)
"""Somebody who is never to be disturbed is not to be written to: that is another choice."""
AS_THE_CLINIC: Final = "clinic"
_ALLOWED: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(SWITCHES, frozenset({"on", "off"})),
    **dict.fromkeys((f"verified.{channel}" for channel in CHANNELS), frozenset({"yes", "no"})),
    "channel": frozenset(CHANNELS),
    "content": frozenset({"full", "call"}),
}


def admissible(what: str, value: str) -> bool:
    """Whether there is such a choice."""
    if what == "quiet":
        return value == AS_THE_CLINIC or quiet_hours(value) is not None
    if what == "language":
        return fullmatch(r"[a-z]{2,3}", value) is not None
    return value in _ALLOWED.get(what, ())


def quiet_hours(value: str) -> QuietHours | None:
    """The hours that `2200-0730` stands for; nothing where they are none, or too many."""
    found = fullmatch(r"([01]\d|2[0-3])([0-5]\d)-([01]\d|2[0-3])([0-5]\d)", value)
    if found is None:
        return None
    hours = QuietHours(start=time(int(found[1]), int(found[2])), end=time(int(found[3]), int(found[4])))
    return hours if _length(hours) <= LONGEST_QUIET else None


def _length(hours: QuietHours) -> timedelta:
    minutes = (hours.end.hour - hours.start.hour) * 60 + hours.end.minute - hours.start.minute
    return timedelta(minutes=minutes % (24 * 60))


def quiet_hours_of(patient: Patient) -> QuietHours:
    """The patient's own quiet hours, else the clinic's."""
    return quiet_hours(wish(patient, "quiet", AS_THE_CLINIC)) or patient.desk.messages.quiet_hours


def language_of(patient: Patient) -> str:
    """What the patient wants to read; without a choice, what the clinic's system says."""
    spoken = patient.contact.language if patient.contact else "en"
    return wish(patient, "language", spoken)
