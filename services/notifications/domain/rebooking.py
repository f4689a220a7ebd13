"""Another time after a missed appointment: what is booked instead is moved, or the front desk hears of the wish."""

from datetime import datetime

from services.notifications.domain.alerts import raise_alert
from services.notifications.domain.standing import takes_place
from services.notifications.domain.state import Appointment, Patient
from shared.events.intake import AppointmentChangeRequested
from shared.events.notifications import RebookingWished
from shared.ids import derived_id
from shared.messaging.message import Decision


def wish_another_time(patient: Patient, fact: RebookingWished, now: datetime) -> Decision[Patient]:
    """Ask scheduling to move the replacement; the patient hears of the new time as of any other."""
    booked = in_place_of(patient, fact.appointment_id, now)
    if booked is None:
        return raise_alert(patient, fact, now)
    request = AppointmentChangeRequested(
        clinic_id=fact.clinic_id,
        patient_id=fact.patient_id,
        request_id=derived_id("rebooking", fact.clinic_id, fact.wish_id),
        appointment_id=booked.appointment_id,
        change="move",
        requested_at=fact.wished_at,
        not_before=fact.not_before,
    )
    return Decision(patient, (request,))


def in_place_of(patient: Patient, appointment_id: str, now: datetime) -> Appointment | None:
    """The appointment to come that was booked for the session of another one, however often that was done."""
    later = {one.replaces: one for one in patient.appointments.values() if one.replaces and one.status != "proposed"}
    found, seen = later.get(appointment_id), {appointment_id}
    while found is not None and found.appointment_id not in seen:
        if takes_place(patient, found) and found.start > now:
            return found
        seen.add(found.appointment_id)
        found = later.get(found.appointment_id)
    return None
