"""The values that templates are filled with."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.notifications.domain.judgement import Content
from services.notifications.domain.reminders import first_zone
from services.notifications.domain.state import Alert, Appointment, Contact
from shared.clinics import Clinic

_FIGURES: Final = ("grade", "occurred_at", "measure", "side", "cause")
_EVIDENCE: Final = ("baseline", "values", "mean", "target", "probability", "sessions", "rule_version")


def clinic_values(clinic: Clinic) -> dict[str, Any]:
    """How to reach the clinic."""
    return {"clinic_name": clinic.name, "clinic_phone": clinic.phone, "clinic_email": clinic.email}


def patient_values(clinic: Clinic, contact: Contact, content: Content) -> dict[str, Any]:
    """What a patient's message may say: times in the patient's zone, else in the clinic's."""
    zone = first_zone(contact.zone, clinic.zone)
    appointments = [appointment_values(clinic, zone, item, content.previous) for item in content.appointments]
    return {
        **clinic_values(clinic),
        "patient_name": one_line(contact.name),
        "appointments": appointments,
        "count": len(appointments),
        "zone_note": "" if zone.key == clinic.zone else f"All times are {zone.key} time.",
        "title": one_line(str(content.alert.evidence.get("title", ""))) if content.alert else "",
    }


def appointment_values(
    clinic: Clinic, zone: ZoneInfo, appointment: Appointment, previous: Mapping[str, datetime]
) -> dict[str, str]:
    """One appointment, in words. `was` is the start that the patient knew before, if there is one."""
    names = {practitioner.id: practitioner.name for practitioner in clinic.practitioners}
    was = previous.get(appointment.appointment_id)
    return {
        "when": moment(appointment.start, zone),
        "until": f"{appointment.end.astimezone(zone):%H:%M}",
        "practitioner": names.get(appointment.practitioner_id or "", ""),
        "was": moment(was, zone) if was else "",
    }


def staff_values(clinic: Clinic, alert: Alert, patient_id: str, public_url: str) -> dict[str, Any]:
    """What a message to staff may say: the patient's opaque id, no name."""
    owners = {member.id: member.name for member in clinic.staff}
    return {
        "owner_name": owners.get(alert.owner or "", ""),
        "severity": alert.severity,
        "kind": alert.kind.replace("-", " "),
        "title": one_line(alert.title),
        "patient_id": patient_id,
        "plan_id": alert.plan_id or "",
        "raised": moment(alert.raised_at, clinic.zone_info),
        "evidence": evidence_values(alert.evidence),
        "alert_url": f"{public_url.rstrip('/')}/alerts/{alert.alert_id}",
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


def moment(at: datetime, zone: ZoneInfo) -> str:
    """For instance `Monday 4 May 2026, 14:30`."""
    local = at.astimezone(zone)
    return f"{local:%A} {local.day} {local:%B %Y, %H:%M}"


def one_line(words: str) -> str:
    """Without line breaks and control characters: nothing can be smuggled into a header."""
    return " ".join("".join(character if character.isprintable() else " " for character in words).split())
