"""Facts of appointments, in whatever order they come: the highest version tells how it stands."""

from datetime import datetime, timedelta
from typing import Final

from services.notifications.domain.deliveries import supersede, to_patient
from services.notifications.domain.reminders import remind
from services.notifications.domain.state import OPEN, Appointment, Delivery, Patient
from shared.events.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentFact,
    AppointmentMissed,
    AppointmentMoved,
)
from shared.messaging.message import Decision

COLLAPSE: Final = timedelta(minutes=2)
"""How long a message waits for others of the same cause, so that people hear of them once."""
_MISSED_VALID: Final = timedelta(days=3)
NOTICES: Final[dict[type[AppointmentFact], str]] = {
    AppointmentMoved: "moved",
    AppointmentCancelled: "cancelled",
    AppointmentMissed: "missed",
}
"""The topics that tell of a change to an appointment."""
_ABOUT_ONE: Final = frozenset({"reminder", *NOTICES.values()})


def follow_appointment(patient: Patient, fact: AppointmentFact, now: datetime) -> Decision[Patient]:
    """Take in what became of an appointment, and plan or take back the messages about it."""
    known = patient.appointments.get(fact.appointment_id)
    current = _merged(known, fact)
    if current == known:
        return Decision(patient)
    patient = patient.with_appointment(current)
    if isinstance(fact, AppointmentBooked):
        patient = _announce(patient, fact, now)
    if known is not None and current.version > known.version:
        patient = _take_back(patient, current)
    if known is None or current.version > known.version:
        patient = remind(patient.with_deliveries(*_notice(patient, fact, now)), current, now)
    return Decision(patient)


def _merged(known: Appointment | None, fact: AppointmentFact) -> Appointment:
    """The booking's own details come from the booking alone, all else from the highest version."""
    if known is None or fact.appointment_version > known.version:
        current = _as_told(fact)
        if known is not None and current.booking_id is None:
            booking = (known.booking_id, known.booking_size, known.replaces)
            return current._replace(booking_id=booking[0], booking_size=booking[1], replaces=booking[2])
        return current
    if isinstance(fact, AppointmentBooked) and known.booking_id is None:
        return known._replace(booking_id=fact.booking_id, booking_size=fact.booking_size, replaces=fact.replaces)
    return known


def _as_told(fact: AppointmentFact) -> Appointment:
    base = Appointment(
        appointment_id=fact.appointment_id,
        plan_id=fact.plan_id,
        sequence=fact.sequence,
        version=fact.appointment_version,
        status="booked",
        start=fact.start,
        end=fact.end,
    )
    match fact:
        case AppointmentBooked(practitioner_id=practitioner, booking_id=booking, booking_size=size, replaces=old):
            return base._replace(practitioner_id=practitioner, booking_id=booking, booking_size=size, replaces=old)
        case AppointmentMoved(practitioner_id=practitioner):
            return base._replace(practitioner_id=practitioner)
        case AppointmentMissed():
            return base._replace(status="missed")
        case _:
            return base._replace(status="cancelled")


def _announce(patient: Patient, fact: AppointmentBooked, now: datetime) -> Patient:
    """One message per booking: due when it is complete, or after the collapse window.

    What arrives after the message went gets a further one: the next subject version.
    """
    arrived = sum(a.booking_id == fact.booking_id for a in patient.appointments.values())
    due_at = now if arrived >= fact.booking_size else now + COLLAPSE
    ours = [d for d in patient.deliveries.values() if d.topic == "booked" and d.subject_id == fact.booking_id]
    waiting = next((d for d in ours if d.state in OPEN), None)
    if waiting is not None:
        return patient.with_deliveries(waiting._replace(due_at=min(waiting.due_at, due_at)))
    return patient.with_deliveries(
        to_patient(patient, "booked", fact.booking_id, len(ours) + 1, due_at=due_at, plan_id=fact.plan_id)
    )


def _take_back(patient: Patient, current: Appointment) -> Patient:
    """Only what the newest version says may still be sent."""

    def outdated(delivery: Delivery) -> bool:
        about_it = delivery.subject_id == current.appointment_id and delivery.topic in _ABOUT_ONE
        return about_it and delivery.subject_version < current.version

    return supersede(patient, "newer-version", outdated)


def _notice(patient: Patient, fact: AppointmentFact, now: datetime) -> tuple[Delivery, ...]:
    """The message about a change. Whether the patient was told of what changed is seen when it is due."""
    topic = NOTICES.get(type(fact))
    if topic is None:
        return ()
    missed = isinstance(fact, AppointmentMissed)
    alone = missed or getattr(fact, "reason", "") == "requested"
    return (
        to_patient(
            patient,
            topic,
            fact.appointment_id,
            fact.appointment_version,
            due_at=now if alone else now + COLLAPSE,
            plan_id=fact.plan_id,
            valid_until=now + _MISSED_VALID if missed else fact.start,
        ),
    )
