"""The values that templates are filled with."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from gettext import NullTranslations
from itertools import groupby
from typing import Any, Final

from services.notifications.domain.judgement import Content
from services.notifications.domain.reminders import first_zone
from services.notifications.domain.state import Alert, Appointment, Contact
from services.notifications.letters.sms import plain
from services.notifications.letters.speech import DEFAULT_LANGUAGE, Isolated, Speech, locale_of, one_line
from services.notifications.letters.translations import Translations
from shared.clinics import Clinic

_FIGURES: Final = ("grade", "occurred_at", "measure", "side", "cause", "service", "topic", "about", "noted_at")
_EVIDENCE: Final = ("baseline", "values", "mean", "target", "probability", "sessions", "rule_version")
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Links:
    """The addresses that a message may name; empty where there are none."""

    preferences: str = ""
    unsubscribe: str = ""
    rebook: str = ""
    offer: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """One patient as a reader: how they are spoken to, in whose name."""

    clinic: Clinic
    contact: Contact
    speech: Speech
    words: NullTranslations


def reader(clinic: Clinic, contact: Contact, language: str, translations: Translations) -> Reader:
    """Times in the patient's zone, else in the clinic's; forms as in the clinic's country."""
    country = clinic.holidays.country if clinic.holidays else ""
    tag = contact.language if contact.language.split("-", 1)[0].lower() == language else language
    speech = Speech(language, locale_of(tag, country), first_zone(contact.zone, clinic.zone))
    return Reader(clinic, contact, speech, translations.by_language[language])


def patient_values(to: Reader, content: Content, links: Links) -> dict[str, Any]:
    """What a patient's message may say."""
    clinic, speech, cost = to.clinic, to.speech, to.clinic.missed_visit_cost
    return {
        "clinic_name": speech.isolated(clinic.name),
        "clinic_phone": speech.isolated(clinic.phone),
        "clinic_email": speech.isolated(clinic.email),
        "clinic_short": plain(clinic.discreet_name or to.words.gettext("Your clinic")),
        "patient_name": speech.isolated(to.contact.name),
        "appointments": [appointment_values(to, one, content.previous) for one in content.appointments],
        "count": len(content.appointments),
        "overview": overview(to, content.appointments) if content.overview else None,
        "zone_note": _zone_note(to),
        "title": speech.isolated(str(content.milestone.evidence.get("title", ""))) if content.milestone else "",
        "missed_cost": speech.money(cost.amount, cost.currency) if cost else "",
        "direction": speech.direction,
        "preferences_url": links.preferences,
        "unsubscribe_url": links.unsubscribe,
        "rebook_url": links.rebook,
        "offer_url": links.offer,
        "answer_by": moment(to, content.answer_by) if content.answer_by else "",
    }


def _zone_note(to: Reader) -> str:
    if to.speech.zone.key == to.clinic.zone:
        return ""
    return to.words.gettext("All times are %(zone)s time.") % {"zone": to.speech.zone_name()}


def appointment_values(to: Reader, appointment: Appointment, previous: Mapping[str, datetime]) -> dict[str, str]:
    """One appointment, in words. `was` is the start that the patient knew before, if there is one."""
    names = {practitioner.id: practitioner.name for practitioner in to.clinic.practitioners}
    was = previous.get(appointment.appointment_id)
    return {
        "when": moment(to, appointment.start),
        "until": to.speech.time(appointment.end),
        "practitioner": to.speech.isolated(names.get(appointment.practitioner_id or "", "")),
        "was": moment(to, was) if was else "",
        "short": short_moment(to, appointment.start),
        "short_was": short_moment(to, was or appointment.start),
    }


def moment(to: Reader, at: datetime) -> Isolated:
    """For instance `Monday, 18 May 2026, 14:30`."""
    words = to.words.gettext("%(day)s, %(time)s")
    return to.speech.isolated(words % {"day": to.speech.day(at).plain, "time": to.speech.time(at).plain})


def short_moment(to: Reader, at: datetime) -> str:
    """For instance `Mon 18 May, 14:30`, for a text message."""
    day = to.speech.short_day(at.astimezone(to.speech.zone).date())
    return plain(to.words.gettext("%(day)s, %(time)s") % {"day": day, "time": to.speech.time(at).plain})


def overview(to: Reader, appointments: Sequence[Appointment]) -> dict[str, Any]:
    """A course at a glance: its first and last day, and how often a week, week by week."""
    days = [one.start.astimezone(to.speech.zone).date() for one in appointments]
    rhythm = [_stretch(to, *stretch) for stretch in _stretches(days)]
    return {"first": to.speech.day(appointments[0].start), "last": to.speech.day(appointments[-1].start),
            "rhythm": rhythm}  # fmt: skip


def _stretches(days: Sequence[date]) -> Iterator[tuple[int, int, int]]:
    """`(first week, last week, appointments in each)`, weeks counted from 1; empty weeks join the one before."""
    monday = days[0] - timedelta(days=days[0].weekday())
    per_week = Counter((day - monday) // _WEEK + 1 for day in days)
    weeks = [(week, per_week[week]) for week in range(1, max(per_week) + 1)]
    for often, group in groupby(weeks, key=lambda pair: pair[1]):
        of_them = [week for week, _ in group]
        if often:
            yield of_them[0], of_them[-1], often


def _stretch(to: Reader, first: int, last: int, often: int) -> tuple[str, str]:
    if first == last:
        often_words = to.words.ngettext("%(num)s appointment", "%(num)s appointments", often)
        return to.words.gettext("Week %(first)s") % {"first": first}, often_words % {"num": often}
    weeks = to.words.gettext("Weeks %(first)s to %(last)s") % {"first": first, "last": last}
    often_words = to.words.ngettext("%(num)s appointment a week", "%(num)s appointments a week", often)
    return weeks, often_words % {"num": often}


def staff_values(clinic: Clinic, alerts: Sequence[tuple[str, Alert]], console_url: str) -> dict[str, Any]:
    """What a message to staff may say of alerts, each with its patient's opaque id: no name.

    One alert's values stand by themselves.
    """
    found = [_alert_values(clinic, alert, patient_id, console_url) for patient_id, alert in alerts]
    return {
        "clinic_name": clinic.name,
        "clinic_phone": clinic.phone,
        "clinic_email": clinic.email,
        "preferences_url": "",
        "direction": "ltr",
        "alerts": found,
        "kinds": ", ".join(dict.fromkeys(values["kind"] for values in found)),
        **found[0],
    }


def _alert_values(clinic: Clinic, alert: Alert, patient_id: str, console_url: str) -> dict[str, Any]:
    speech = Speech(DEFAULT_LANGUAGE, locale_of(DEFAULT_LANGUAGE, "GB"), clinic.zone_info)
    owners = {member.id: member.name for member in clinic.staff}
    known = {
        "Severity": alert.severity,
        "Patient": patient_id,
        "Plan": alert.plan_id or "",
        "Raised": f"{speech.day(alert.raised_at)}, {speech.time(alert.raised_at)}",
        "Owner": owners.get(alert.owner or "", ""),
    }
    return {
        "severity": alert.severity,
        "kind": alert.kind.replace("-", " "),
        "title": one_line(alert.title),
        "figures": [(name, value) for name, value in known.items() if value] + evidence_values(alert.evidence),
        "alert_url": f"{console_url.rstrip('/')}/inbox/{alert.alert_id}",
    }


def evidence_values(evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Figures and codes to judge the alert by. Free text stays in the alert itself."""
    inner = evidence.get("evidence") or evidence.get("before") or {}
    figures = [(name, evidence[name]) for name in _FIGURES if name in evidence]
    figures += [(name, inner[name]) for name in _EVIDENCE if name in inner]
    figures += [(f"session {item['sequence']}", item["reason"]) for item in evidence.get("unplaced", ())]
    return [(name.replace("_", " "), _shown(value)) for name, value in figures]


def _shown(value: object) -> str:
    match value:
        case float():
            return f"{value:.4g}"
        case list():
            return ", ".join(_shown(item) for item in value)
        case _:
            return one_line(str(value))
