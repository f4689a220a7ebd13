"""Facts of patients with a booked appointment, by number: the same number is always the same patient."""

from datetime import UTC, datetime, time, timedelta

from shared.clinics import Clinic, load_clinics
from shared.events.base import Fact
from shared.events.intake import Contact, PatientRegistered
from shared.events.progress import AdverseEventReported
from shared.events.scheduling import AppointmentBooked, AppointmentCancelled, AppointmentMoved
from shared.messages import MessagePolicy, QuietHours
from shared.settings import ROOT

RECORDED = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def clinic_named(clinic_id: str) -> Clinic:
    """The demo's clinic under another id, without quiet hours: these figures are taken by day and by night."""
    always = MessagePolicy(quiet_hours=QuietHours(start=time(0), end=time(0)), per_day=100, per_week=500)
    return load_clinics(ROOT / "clinics")["riverside"].model_copy(update={"clinic_id": clinic_id, "messages": always})


def patient_id(number: int) -> str:
    """The id of the n-th patient."""
    return f"patient-{number:07}"


def registered(clinic_id: str, number: int) -> PatientRegistered:
    """Somebody with an address."""
    contact = Contact(name="Ann Example", email=f"p{number}@patients.example")
    return PatientRegistered(clinic_id=clinic_id, patient_id=patient_id(number), contact=contact, recorded_at=RECORDED)


def booked(clinic_id: str, number: int, start: datetime) -> AppointmentBooked:
    """A course of one appointment at `start`."""
    booking = {"practitioner_id": "pr-ada", "room_id": "room-1", "booking_id": f"b-{number}", "booking_size": 1}
    return AppointmentBooked.model_validate({**_appointment(clinic_id, number, 1, start), **booking})


def moved(clinic_id: str, number: int, version: int, start: datetime) -> AppointmentMoved:
    """The same appointment an hour later."""
    after = {"practitioner_id": "pr-ben", "room_id": "room-2", "previous_start": start, "reason": "requested"}
    return AppointmentMoved.model_validate(
        {**_appointment(clinic_id, number, version, start + timedelta(hours=1)), **after}
    )


def cancelled(clinic_id: str, number: int, version: int, start: datetime) -> AppointmentCancelled:
    """It does not take place."""
    return AppointmentCancelled.model_validate(
        {**_appointment(clinic_id, number, version, start), "reason": "requested"}
    )


def adverse(clinic_id: str, number: int, name: str = "ae") -> AdverseEventReported:
    """A severe adverse event: a critical alert for staff."""
    return AdverseEventReported(
        clinic_id=clinic_id,
        patient_id=patient_id(number),
        plan_id=f"plan-{number}",
        adverse_event_id=f"{name}-{number}",
        grade=3,
        term="Syncope",
        occurred_at=RECORDED,
    )


def course(clinic_id: str, number: int, start: datetime) -> list[Fact]:
    """All that leads to one message to the patient and one to staff."""
    return [registered(clinic_id, number), booked(clinic_id, number, start), adverse(clinic_id, number)]


def _appointment(clinic_id: str, number: int, version: int, start: datetime) -> dict[str, object]:
    return {
        "clinic_id": clinic_id,
        "patient_id": patient_id(number),
        "appointment_id": f"a-{number}",
        "appointment_version": version,
        "plan_id": f"plan-{number}",
        "plan_version": 1,
        "sequence": 1,
        "start": start,
        "end": start + timedelta(minutes=45),
    }
