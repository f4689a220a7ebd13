"""FHIR R4 resources of scheduling, checked by the models of fhir.resources before they leave."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from fhir.resources.R4B.appointment import Appointment
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.operationoutcome import OperationOutcome
from fhir.resources.R4B.schedule import Schedule
from fhir.resources.R4B.slot import Slot
from sqlalchemy import Row

MEDIA_TYPE = "application/fhir+json"
PLAN_SYSTEM = "urn:stride:plan"
SEQUENCE = "urn:stride:session-sequence"
_MODELS: dict[str, Any] = {
    "Appointment": Appointment,
    "Bundle": Bundle,
    "OperationOutcome": OperationOutcome,
    "Schedule": Schedule,
    "Slot": Slot,
}
_REFERENCES = {"practitioner": "Practitioner", "room": "Location", "patient": "Patient"}
Resource = dict[str, Any]


def checked(resource: Resource) -> Resource:
    """The resource, if the library's model of it agrees.

    Raises:
        ValidationError: it does not; our mistake.
    """
    _MODELS[resource["resourceType"]].model_validate(resource)
    return resource


def iso(moment: datetime) -> str:
    """An instant as FHIR writes it."""
    return moment.isoformat().replace("+00:00", "Z")


def participants(patient_id: str, practitioner_id: str, room_id: str, status: str) -> list[Resource]:
    """Patient, practitioner and room of an appointment."""
    named = (("patient", patient_id), ("practitioner", practitioner_id), ("room", room_id))
    return [{"actor": {"reference": f"{_REFERENCES[kind]}/{name}"}, "status": status} for kind, name in named]


def appointment(content: Mapping[str, Any]) -> Resource:
    """An Appointment of `id`, `status`, `plan_id`, `sequence`, `start`, `end`, `patient_id` and so on.

    Without a plan it is a first consultation that is not booked yet.
    """
    answered = "needs-action" if content["status"] in ("proposed", "pending") else "accepted"
    minutes = (content["end"] - content["start"]).seconds // 60
    resource: Resource = {
        "resourceType": "Appointment",
        "status": content["status"],
        "start": iso(content["start"]),
        "end": iso(content["end"]),
        "minutesDuration": minutes,
        "participant": participants(content["patient_id"], content["practitioner_id"], content["room_id"], answered),
    }
    if "plan_id" in content:
        resource["basedOn"] = [{"identifier": {"system": PLAN_SYSTEM, "value": content["plan_id"]}}]
        resource["extension"] = [{"url": SEQUENCE, "valueInteger": content["sequence"]}]
    if "id" in content:
        resource |= {"id": fhir_id(content["id"]), "meta": {"versionId": str(content["version"])}}
    if content.get("reason") and content["status"] == "cancelled":
        resource["cancelationReason"] = {"text": content["reason"]}
    return checked(resource)


_COLUMNS = ("plan_id", "sequence", "patient_id", "practitioner_id", "room_id")


def booked(row: Row[Any]) -> Resource:
    """An appointment as it stands in the tables."""
    state = {"id": row.id, "version": row.version, "status": row.status, "reason": row.reason}
    return appointment(_told(row) | state)


def held(row: Row[Any]) -> Resource:
    """A hold: an Appointment that is pending until it is confirmed, released or over."""
    status = {"open": "pending", "confirmed": "booked"}.get(row.state, "cancelled")
    return appointment(_told(row) | {"id": row.hold_id, "version": 1, "status": status, "reason": row.state})


def _told(row: Row[Any]) -> Resource:
    return {name: getattr(row, name) for name in _COLUMNS} | {"start": row.start_at, "end": row.end_at}


def schedule(kind: str, name: str, offers: Iterable[str], *, active: bool) -> Resource:
    """The Schedule of a practitioner or a room; its id is `practitioner.ID` or `room.ID`."""
    return checked(
        {
            "resourceType": "Schedule",
            "id": f"{kind}.{name}",
            "active": active,
            "actor": [{"reference": f"{_REFERENCES[kind]}/{name}"}],
            "serviceType": [{"text": offer} for offer in sorted(offers)],
        }
    )


def slot(schedule_id: str, start: datetime, end: datetime, status: str) -> Resource:
    """A stretch of a Schedule that is free, busy or not to be booked."""
    return checked(
        {
            "resourceType": "Slot",
            "schedule": {"reference": f"Schedule/{schedule_id}"},
            "status": status,
            "start": iso(start),
            "end": iso(end),
        }
    )


def searchset(found: Iterable[Resource], *, more: bool = False) -> Resource:
    """A Bundle of what was found."""
    entries = [{"resource": resource, "search": {"mode": "match"}} for resource in found]
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}
    if more:
        bundle.pop("total")
    return checked({name: value for name, value in bundle.items() if value != []})


def outcome(code: str, diagnostics: str) -> Resource:
    """An OperationOutcome with one error."""
    issue = {"severity": "error", "code": code, "diagnostics": diagnostics}
    return checked({"resourceType": "OperationOutcome", "issue": [issue]})


def fhir_id(identifier: str) -> str:
    """FHIR's ids have no colon."""
    return identifier.replace(":", ".")


def own_id(identifier: str) -> str:
    """The other way round, for holds; ids of appointments are as they are."""
    return identifier.replace("hold.", "hold:", 1)
