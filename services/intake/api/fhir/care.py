"""FHIR Encounter, Condition and Appointment: what opens a course, and what changes its appointments."""

from typing import Any

from services.intake.api.fhir.outcomes import NotTaken
from services.intake.api.fhir.reading import Reader, codes, codings, instant, side_of
from services.intake.domain.inputs import ConditionRead, EncounterRead
from shared.events.intake import AppointmentChangeRequested
from shared.ids import derived_id

RISK_EXTENSION = "urn:stride:contraindication"
APPOINTMENT_SYSTEM = "urn:stride:appointment"
_SEVERITIES = {"24484000": "severe", "6736007": "moderate", "255604002": "mild"}
"""SNOMED CT codes of the R4 value set `condition-severity` (hl7.org/fhir/R4/valueset-condition-severity.html)."""
_NOT_SO = {"entered-in-error", "refuted"}
_NOT_YET = {"unconfirmed", "provisional", "differential"}
_PAST = {"inactive", "remission", "resolved"}
_CHANGES = {"cancelled": "cancel", "noshow": "no-show"}


def encounter(resource: Any, reader: Reader) -> EncounterRead:
    """A finished Encounter, which a Condition can make a consultation."""
    if resource.status != "finished":
        raise NotTaken(
            "business-rule", "Only finished encounters count.", "/status", "Send it again when it is finished."
        )
    period = resource.period
    conditions = [entry.condition for entry in resource.diagnosis or () if entry is not None]
    found = [
        reader.references.find(reference, "Condition") for reference in (*conditions, *(resource.reasonReference or ()))
    ]
    doers = (reader.practitioner(entry.individual) for entry in resource.participant or () if entry is not None)
    return EncounterRead.model_validate(
        {
            **reader.about(resource.subject),
            "encounter_id": reader.resource_id,
            "completed_at": instant(period and (period.end or period.start), "/period/end"),
            "practitioner_id": next((doer for doer in doers if doer), None),
            "findings": tuple(dict.fromkeys(condition for condition in found if condition)),
            "contraindications": _risks(resource),
        }
    )


def condition(resource: Any, reader: Reader) -> ConditionRead:
    """A finding that a protocol treats."""
    treated = next(
        (found for system, code in codings(resource.code) if (found := reader.protocols.condition_coded(system, code))),
        None,
    )
    if treated is None:
        raise NotTaken(
            "not-supported", "No protocol treats this condition.", "/code", "Protocols name ICD-10-CM codes."
        )
    verification = codes(resource.verificationStatus)
    if verification & _NOT_YET:
        raise NotTaken("business-rule", "Only confirmed findings count.", "/verificationStatus", "Send it when it is.")
    if codes(resource.clinicalStatus) & _PAST:
        raise NotTaken("business-rule", "Only active findings open a course.", "/clinicalStatus")
    severities = (_SEVERITIES[code] for code in codes(resource.severity) if code in _SEVERITIES)
    sides = (side for site in resource.bodySite or () if (side := side_of(site)))
    return ConditionRead.model_validate(
        {
            **reader.about(resource.subject),
            "condition_id": reader.resource_id,
            "code": treated.code,
            "side": treated.side or next(sides, None),
            "severity": next(severities, "moderate"),
            "encounter_id": reader.references.find(resource.encounter, "Encounter"),
            "withdrawn": bool(verification & _NOT_SO),
        }
    )


def appointment(resource: Any, reader: Reader) -> AppointmentChangeRequested:
    """A cancellation or a no-show of an appointment that Stride booked."""
    change = _CHANGES.get(resource.status)
    if change is None:
        detail = "Stride books itself; from outside it takes cancelled and noshow only."
        raise NotTaken("not-supported", detail, "/status", "Appointments come by the topic appointment.booked.")
    actors = [entry.actor for entry in resource.participant or () if entry is not None]
    patient = next((actor for actor in actors if reader.references.find(actor, "Patient")), None)
    appointment_id = _stride_id(resource) or reader.resource_id
    return AppointmentChangeRequested.model_validate(
        {
            **reader.about(patient, "/participant"),
            "request_id": derived_id("fhir-appointment", reader.clinic_id, appointment_id, change),
            "appointment_id": appointment_id,
            "change": change,
            "requested_at": reader.changed_at(resource),
        }
    )


def _stride_id(resource: Any) -> str | None:
    identifiers = (entry for entry in resource.identifier or () if entry is not None)
    return next((str(entry.value) for entry in identifiers if entry.system == APPOINTMENT_SYSTEM and entry.value), None)


def _risks(resource: Any) -> tuple[str, ...]:
    extensions = (entry for entry in resource.extension or () if entry is not None and entry.url == RISK_EXTENSION)
    return tuple(dict.fromkeys(str(entry.valueCode) for entry in extensions if entry.valueCode))
