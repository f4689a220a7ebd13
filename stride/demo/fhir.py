"""A patient's first visit as an electronic record exports it: one FHIR R4 transaction Bundle."""

from typing import Any

import orjson

from shared.events.base import Fact
from shared.events.clinical import Reading
from shared.events.intake import ConsultationCompleted, MeasurementRecorded, PatientRegistered
from stride.demo import firsts
from stride.demo.outcomes import PAIN
from stride.demo.patients import Patient

_ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
_LOINC_PAIN = {"system": "http://loinc.org", "code": "72514-3"}


def first_visit(patient: Patient) -> tuple[Fact, ...]:
    """What must come of the bundle: the patient, the consultation, and each reading on its own."""
    consulted = firsts.consultation(patient)
    recorded = (
        MeasurementRecorded(
            clinic_id=patient.clinic_id,
            patient_id=patient.patient_id,
            reading=reading.model_copy(update={"enrolment": False}),
        )
        for reading in consulted.readings
    )
    registered = firsts.registration(patient, patient.consulted_at)
    return (registered, consulted.model_copy(update={"readings": ()}), *recorded)


def bundle(facts: tuple[Fact, ...]) -> bytes:
    """The bundle that says what `first_visit` gave."""
    resources = [resource for fact in facts for resource in _resources(fact)]
    entries = [
        {
            "fullUrl": f"https://records.example/{resource['resourceType']}/{resource['id']}",
            "resource": resource,
            "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
        }
        for resource in resources
    ]
    return orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def _resources(fact: Fact) -> list[dict[str, Any]]:
    if isinstance(fact, PatientRegistered):
        return [_patient(fact)]
    if isinstance(fact, ConsultationCompleted):
        return [_encounter(fact), _condition(fact)]
    assert isinstance(fact, MeasurementRecorded)
    return [_observation(fact.patient_id, fact.reading)]


def _patient(registered: PatientRegistered) -> dict[str, Any]:
    given, family = registered.contact.name.split(" ", 1)
    return {
        "resourceType": "Patient",
        "id": registered.patient_id,
        "name": [{"use": "official", "given": [given], "family": family}],
        "telecom": [{"system": "email", "value": registered.contact.email}],
        "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "en"}]}, "preferred": True}],
    }


def _condition(consulted: ConsultationCompleted) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": f"{consulted.consultation_id}-finding",
        "subject": {"reference": f"Patient/{consulted.patient_id}"},
        "encounter": {"reference": f"Encounter/{consulted.consultation_id}"},
        "code": {"coding": [{"system": _ICD10, "code": consulted.condition}]},
    }


def _encounter(consulted: ConsultationCompleted) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": consulted.consultation_id,
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{consulted.patient_id}"},
        "period": {"end": consulted.completed_at.isoformat()},
        "diagnosis": [{"condition": {"reference": f"Condition/{consulted.consultation_id}-finding"}}],
    }


def _observation(patient_id: str, reading: Reading) -> dict[str, Any]:
    coding = _LOINC_PAIN if reading.measure == PAIN else {"system": "urn:stride:measure", "code": reading.measure}
    return {
        "resourceType": "Observation",
        "id": reading.measurement_id,
        "status": "final",
        "code": {"coding": [coding]},
        "subject": {"reference": f"Patient/{patient_id}"},
        "effectiveDateTime": reading.effective_at.isoformat(),
        "valueQuantity": {"value": reading.value, "system": "http://unitsofmeasure.org", "code": reading.unit},
    }
