"""FHIR Observation, Procedure and AdverseEvent: what was measured, done, and went wrong."""

from math import ceil
from typing import Any

from services.intake.api.fhir.outcomes import NotTaken
from services.intake.api.fhir.reading import Reader, codings, instant, label, revision, side_of
from services.intake.api.problems import Mistake
from shared.events.intake import (
    AdverseEventRecorded,
    MeasurementCorrected,
    MeasurementRecorded,
    MeasurementVoided,
    SessionLogged,
    SessionVoided,
)
from shared.protocols import ProtocolMeasure

_SEVERITY_GRADES = {"mild": 1, "moderate": 2, "severe": 3}
_SERIOUS_GRADE, _FATAL_GRADE = 3, 5
_PLACES = {
    "/reading/value": "/valueQuantity/value",
    "/reading/unit": "/valueQuantity/unit",
    "/reading/measure": "/code",
    "/reading/effective_at": "/effectiveDateTime",
    "/contact/email": "/telecom",
    "/contact/phone": "/telecom",
    "/contact/name": "/name",
    "/contact/language": "/communication",
    "/contact/birth_date": "/birthDate",
    "/completed_at": "/period",
    "/contraindications": "/extension",
    "/started_at": "/performedPeriod/start",
    "/minutes": "/performedPeriod",
    "/adverse_event/term": "/event",
    "/adverse_event/occurred_at": "/date",
    "/appointment_id": "/identifier",
    "/patient_id": "",
}


def in_fhir_terms(mistake: Mistake) -> Mistake:
    """The same mistake, where the sender of a resource finds it; a pointer already in FHIR's terms stays."""
    pointer = next((place for field, place in _PLACES.items() if mistake.pointer.startswith(field)), mistake.pointer)
    return Mistake(mistake.detail, pointer, mistake.remedy.replace("docs/intake.md lists the fields.", "").strip())


def observation(resource: Any, reader: Reader) -> MeasurementRecorded | MeasurementCorrected | MeasurementVoided:
    """A reading of a measure that some protocol follows."""
    entries = (reader.protocols.measure_coded(system, code) for system, code in codings(resource.code))
    entry = next((found for found in entries if found), None)
    if entry is None:
        raise NotTaken("not-supported", "No protocol follows this measure.", "/code", "docs/intake.md lists the codes.")
    about = reader.about(resource.subject)
    if resource.status == "entered-in-error":
        gone = {"measurement_id": reader.resource_id, "voided_at": reader.changed_at(resource)}
        return MeasurementVoided.model_validate(about | gone)
    reading = _reading(resource, reader, entry)
    if resource.status == "final":
        return MeasurementRecorded.model_validate(about | {"reading": reading})
    if resource.status in ("amended", "corrected"):
        number = revision(resource) or 1
        return MeasurementCorrected.model_validate(about | {"revision": number, "reading": reading})
    raise NotTaken("business-rule", "Only final readings count.", "/status", "Send it again when it is final.")


def _reading(resource: Any, reader: Reader, entry: ProtocolMeasure) -> dict[str, Any]:
    performers = (reader.practitioner(performer) for performer in resource.performer or ())
    return {
        "measurement_id": reader.resource_id,
        "measure": entry.spec.measure,
        "value": _value(resource),
        "unit": _unit(resource, entry),
        "effective_at": instant(resource.effectiveDateTime or resource.effectiveInstant, "/effectiveDateTime"),
        "side": side_of(resource.bodySite),
        "device": reader.references.find(resource.device, "Device"),
        "rater": next((performer for performer in performers if performer), None),
    }


def _value(resource: Any) -> float:
    quantity = resource.valueQuantity
    value = quantity.value if quantity is not None else resource.valueInteger
    if value is None:
        raise NotTaken(
            "required", "The reading has no number.", "/valueQuantity/value", "Send valueQuantity or valueInteger."
        )
    if quantity is not None and quantity.comparator:
        raise NotTaken("value", "A value with a comparator is no reading.", "/valueQuantity/comparator")
    return float(value)


def _unit(resource: Any, entry: ProtocolMeasure) -> str:
    """The unit as the sender has it; a bare number is in the measure's own."""
    quantity = resource.valueQuantity
    return entry.spec.unit if quantity is None else str(quantity.code or quantity.unit or "")


def procedure(resource: Any, reader: Reader) -> SessionLogged | SessionVoided:
    """A session that was held, or that was recorded in error."""
    if not any(reader.protocols.is_session(system, code) for system, code in codings(resource.code)):
        raise NotTaken(
            "not-supported", "This procedure is no session of a protocol.", "/code", "Use urn:stride:session."
        )
    about = reader.about(resource.subject)
    if resource.status == "entered-in-error":
        gone = {"session_id": reader.resource_id, "voided_at": reader.changed_at(resource)}
        return SessionVoided.model_validate(about | gone)
    if resource.status != "completed":
        raise NotTaken("business-rule", "Only completed procedures are sessions.", "/status", "Send it when it is.")
    period = resource.performedPeriod
    start = instant(period and period.start, "/performedPeriod/start")
    end = instant(period and period.end, "/performedPeriod/end")
    performers = (reader.practitioner(entry.actor) for entry in resource.performer or () if entry is not None)
    return SessionLogged.model_validate(
        {
            **about,
            "session_id": reader.resource_id,
            "started_at": start,
            "minutes": ceil((end - start).total_seconds() / 60),
            "practitioner_id": next((performer for performer in performers if performer), None),
        }
    )


def adverse_event(resource: Any, reader: Reader) -> AdverseEventRecorded:
    """An unwanted effect that really happened."""
    if resource.actuality != "actual":
        raise NotTaken("not-supported", "Only what really happened counts, not what could have.", "/actuality")
    if resource.event is None:
        raise NotTaken("required", "What happened is missing.", "/event", "Send event with a text or a coding.")
    occurred = resource.date or resource.detected or resource.recordedDate
    return AdverseEventRecorded.model_validate(
        {
            **reader.about(resource.subject),
            "adverse_event": {
                "adverse_event_id": reader.resource_id,
                "grade": grade_of(resource),
                "term": label(resource.event)[:200],
                "occurred_at": instant(occurred, "/date"),
            },
        }
    )


def grade_of(resource: Any) -> int:
    """A CTCAE grade from FHIR's coarser terms, never lower than they allow.

    fatal: 5; else mild 1, moderate 2, severe 3 (2 where nothing is said); serious: at least 3.
    """
    said = {
        code for concept in (resource.outcome, resource.severity, resource.seriousness) for _, code in codings(concept)
    }
    if "fatal" in said:
        return _FATAL_GRADE
    grade = max((grade for code, grade in _SEVERITY_GRADES.items() if code in said), default=2)
    serious = {"serious", "Serious"} & said
    return max(grade, _SERIOUS_GRADE) if serious else grade
