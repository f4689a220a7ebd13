"""FHIR Patient: who somebody is and how to reach them."""

from typing import Any
from zoneinfo import available_timezones

from services.intake.api.fhir.outcomes import NotTaken
from services.intake.api.fhir.reading import Reader, codes, revision, whole_date
from services.intake.domain.inputs import PatientRead

_ZONE = "http://hl7.org/fhir/StructureDefinition/tz-code"


def patient(resource: Any, reader: Reader) -> PatientRead:
    """A Patient as details to register or update."""
    meta = resource.meta
    return PatientRead.model_validate(
        {
            "clinic_id": reader.clinic_id,
            "patient_id": reader.resource_id,
            "contact": {
                "name": _name(resource),
                "email": _telecom(resource, "email"),
                "phone": _telecom(resource, "phone"),
                "language": _language(resource),
                "zone": _zone(resource),
                "birth_date": whole_date(resource.birthDate),
            },
            "revision": revision(resource),
            "recorded_at": reader.changed_at(resource) if meta else None,
        }
    )


def _name(resource: Any) -> str:
    names = [name for name in resource.name or () if name is not None and name.use != "old"]
    names.sort(key=lambda name: name.use != "official")
    for name in names:
        parts = [*(name.given or ()), name.family]
        text = name.text or " ".join(str(part) for part in parts if part)
        # One line: the name goes into messages.
        if text.split():
            return " ".join(text.split())
    raise NotTaken("required", "The patient has no name.", "/name", "Send a name with text, or given and family.")


def _telecom(resource: Any, system: str) -> str | None:
    points = [point for point in resource.telecom or () if point and point.system == system and point.use != "old"]
    points.sort(key=lambda point: point.rank or 999)
    return next((str(point.value) for point in points if point.value), None)


def _language(resource: Any) -> str:
    spoken = [entry for entry in resource.communication or () if entry is not None]
    spoken.sort(key=lambda entry: not entry.preferred)
    return next((code for entry in spoken for code in sorted(codes(entry.language))), "en")


def _zone(resource: Any) -> str | None:
    for extension in resource.extension or ():
        if extension is not None and extension.url == _ZONE and extension.valueCode in available_timezones():
            return str(extension.valueCode)
    return None
