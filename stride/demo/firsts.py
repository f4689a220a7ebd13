"""How patients become known: registration, first consultation, changed details.

A quarter of all events goes through Kafka, and one in twenty is sent twice.
"""

from datetime import datetime

from shared.events.base import Fact
from shared.events.intake import ConsultationCompleted, Contact, PatientRegistered, PatientUpdated
from stride.demo.draws import happens
from stride.demo.handing import DoorName, Handing
from stride.demo.outcomes import readings
from stride.demo.patients import Patient

_AGAIN, _BY_KAFKA = 0.05, 0.25


def handing(patient: Patient, fact: Fact, due: datetime, *, always_http: bool = False) -> Handing:
    """One event of the patient's, through a door of chance, now and then sent twice."""
    name = (patient.index, "door", fact.wire_type(), fact.natural_key)
    by_kafka = not always_http and happens(_BY_KAFKA, patient.seed, *name)
    door: DoorName = "kafka" if by_kafka else "http"
    return Handing((fact,), due, door, again=happens(_AGAIN, patient.seed, *name, "again"))


def registration(patient: Patient, due: datetime) -> PatientRegistered:
    """The patient gives name and address."""
    return PatientRegistered(
        clinic_id=patient.clinic_id,
        patient_id=patient.patient_id,
        contact=Contact(name=patient.name, email=patient.email, zone=patient.zone.key),
        recorded_at=due,
    )


def change_of_phone(patient: Patient, due: datetime) -> PatientUpdated:
    """The patient gives a telephone number as well."""
    known = registration(patient, due)
    contact = known.contact.model_copy(update={"phone": f"+44 20 7946 {patient.index:04}"})
    return PatientUpdated(
        clinic_id=patient.clinic_id, patient_id=patient.patient_id, contact=contact, revision=1, recorded_at=due
    )


def consultation(patient: Patient) -> ConsultationCompleted:
    """The first consultation, with the readings that decided on enrolment."""
    taken = readings(patient, 0, 0, patient.consulted_at, always=True)
    return ConsultationCompleted(
        clinic_id=patient.clinic_id,
        patient_id=patient.patient_id,
        consultation_id=patient.consultation_id,
        completed_at=patient.consulted_at,
        condition=patient.condition,
        severity=patient.severity,
        side=patient.side if patient.finding in {"foot-drop", "stroke-gait", "contraindicated"} else None,
        age_years=patient.age_years,
        contraindications=patient.contraindications,
        preferred_times=patient.preferred_times,
        readings=tuple((one.meant or one.reading).model_copy(update={"enrolment": True}) for one in taken),
    )
