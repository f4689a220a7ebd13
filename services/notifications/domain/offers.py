"""Times that have become free and are kept for the patient until they answer."""

from datetime import datetime

from services.notifications.domain.deliveries import to_patient
from services.notifications.domain.state import Appointment, Patient
from shared.events.scheduling import WaitlistOffered
from shared.messaging.message import Decision


def pass_on(patient: Patient, fact: WaitlistOffered, now: datetime) -> Decision[Patient]:
    """Tell the patient, as long as the time is kept; what became of the appointment meanwhile is seen when it goes."""
    if fact.offer_id in patient.appointments:
        return Decision(patient)
    proposed = Appointment(
        appointment_id=fact.offer_id,
        plan_id=fact.plan_id,
        sequence=fact.sequence,
        version=1,
        status="proposed",
        start=fact.start,
        end=fact.end,
        practitioner_id=fact.practitioner_id,
        replaces=fact.appointment_id,
    )
    message = to_patient(
        patient, "offer", fact.offer_id, 1, due_at=now, plan_id=fact.plan_id, valid_until=fact.expires_at
    )
    return Decision(patient.with_appointment(proposed).with_deliveries(message))
