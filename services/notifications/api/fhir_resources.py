"""Deliveries and alerts as FHIR R4 resources."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from shared.events.notifications import THE_CLINIC

Resource = dict[str, Any]
IDENTIFIER: Final = "urn:stride:id"
_MODES: Final = {"email": "EMAILWRIT", "sms": "SMSWRIT"}
_MODE_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
_COMMUNICATION: Final[Mapping[str, str]] = {
    **dict.fromkeys(("planned", "scheduled", "deferred", "ready", "claimed"), "preparation"),
    "sending": "in-progress",
    **dict.fromkeys(("accepted", "delivered"), "completed"),
    "unknown": "unknown",
}
"""By a delivery's state; all others are `not-done`."""
_TASK: Final[Mapping[str, str]] = {"open": "requested", "acknowledged": "accepted", "snoozed": "on-hold"}
_PRIORITY: Final[Mapping[str, str]] = {"critical": "stat", "warning": "urgent", "info": "routine"}


def communication(entry: Mapping[str, Any]) -> Resource:
    """A message to a patient: what kind, by which way, when, and what became of it."""
    medium = {"text": entry["channel"]}
    if mode := _MODES.get(entry["channel"]):
        medium["coding"] = [{"system": _MODE_SYSTEM, "code": mode}]
    status = _COMMUNICATION.get(entry["state"], "not-done")
    patient = _person("Patient", entry["patient_id"])
    return _without_nothing(
        resourceType="Communication",
        id=entry["delivery_id"],
        status=status,
        statusReason={"text": entry["reason"]} if status == "not-done" and entry["reason"] else None,
        category=[{"text": entry["topic"]}],
        medium=[medium],
        subject=patient,
        recipient=[patient],
        about=[_person("Appointment", entry["subject_id"])] if entry["topic"] in _OF_APPOINTMENTS else None,
        sent=_moment(entry["accepted_at"]),
    )


_OF_APPOINTMENTS: Final = frozenset({"moved", "cancelled", "missed", "reminder", "offer"})


def task(entry: Mapping[str, Any]) -> Resource:
    """An alert: who is to look at what, and how pressing it is."""
    return _without_nothing(
        resourceType="Task",
        id=entry["alert_id"],
        meta={"versionId": str(entry["revision"])},
        status=_task_status(entry),
        intent="order",
        priority=_PRIORITY[entry["severity"]],
        code={"text": entry["kind"]},
        description=entry["title"],
        **{"for": None if entry["patient_id"] == THE_CLINIC else _person("Patient", entry["patient_id"])},
        focus=_person("EpisodeOfCare", entry["plan_id"]) if entry["plan_id"] else None,
        authoredOn=_moment(entry["raised_at"]),
        owner=_person("Practitioner", entry["owner"]) if entry["owner"] else None,
        statusReason={"text": entry["resolution"]} if entry["resolution"] else None,
    )


def _task_status(entry: Mapping[str, Any]) -> str:
    if entry["resolution"]:
        return "completed" if entry["resolution"] == "done" else "cancelled"
    return _TASK[entry["state"]]


def searchset(url: str, resources: Sequence[Resource], following: str | None) -> Resource:
    """One page of what was found."""
    links = [{"relation": "self", "url": url}]
    if following:
        links.append({"relation": "next", "url": following})
    entries = [{"resource": one, "search": {"mode": "match"}} for one in resources]
    return _without_nothing(resourceType="Bundle", type="searchset", link=links, entry=entries or None)


def outcome(status: int, detail: str) -> Resource:
    """Why there is no answer."""
    code = {401: "login", 403: "forbidden", 404: "not-found", 503: "transient"}.get(status, "invalid")
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code, "diagnostics": detail}]}


def _person(kind: str, given_id: str) -> Resource:
    """A reference to somebody or something by the id that the clinic's system or Stride gave it."""
    return {"type": kind, "identifier": {"system": IDENTIFIER, "value": given_id}}


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _without_nothing(**content: Any) -> Resource:
    return {name: value for name, value in content.items() if value is not None}
