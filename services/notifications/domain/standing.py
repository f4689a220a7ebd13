"""How an appointment stands, and what the patient was told of it."""

from services.notifications.domain.state import MAYBE_TOLD, Appointment, Patient, Told


def takes_place(patient: Patient, appointment: Appointment) -> bool:
    """Whether the appointment is still so: booked, and not after the end of its plan.

    The end of a plan counts even before its cancellations arrive.
    """
    plan = patient.plans.get(appointment.plan_id)
    ended = plan is not None and plan.ended_at is not None and appointment.start > plan.ended_at
    return appointment.status == "booked" and not ended


def told_of(patient: Patient) -> dict[str, Told]:
    """The last that the patient was told, or perhaps told, of each appointment."""
    last: dict[str, Told] = {}
    for delivery in patient.deliveries.values():
        for told in delivery.told if delivery.state in MAYBE_TOLD else ():
            known = last.get(told.appointment_id)
            if known is None or (known.version, not known.on) < (told.version, not told.on):
                last[told.appointment_id] = told
    return last
