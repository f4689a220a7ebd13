"""Is the calendar valid: nobody and no room claimed twice at a time, nothing outside of hours?"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from shared.clinics import Clinic
from shared.events.clinical import Weekday
from shared.events.scheduling import AppointmentBooked, AppointmentMoved
from stride.demo.report.look import Facts

Standing = AppointmentBooked | AppointmentMoved


def standing(facts: Facts) -> list[Standing]:
    """Appointments whose newest version says that they take place (or took place)."""
    newest = (versions[-1][1] for versions in facts.appointments().values())
    return [appointment for appointment in newest if isinstance(appointment, AppointmentBooked | AppointmentMoved)]


def overlaps(appointments: Iterable[Standing]) -> list[str]:
    """Pairs of appointments that need the same practitioner, room or patient at one time."""
    taken: dict[str, list[Standing]] = defaultdict(list)
    for appointment in appointments:
        for resource in (appointment.practitioner_id, appointment.room_id, appointment.patient_id):
            taken[f"{appointment.clinic_id}/{resource}"].append(appointment)
    return [pair for resource, claims in taken.items() for pair in _clashes(resource, claims)]


def _clashes(resource: str, claims: list[Standing]) -> Iterator[str]:
    """Compares each with the latest end so far: one long claim may hide behind a short one."""
    claims.sort(key=lambda appointment: appointment.start)
    latest: Standing | None = None
    for appointment in claims:
        if latest is not None and appointment.start < latest.end:
            yield f"{resource}: {latest.appointment_id} and {appointment.appointment_id} at {appointment.start}"
        if latest is None or appointment.end > latest.end:
            latest = appointment


def outside_hours(appointments: Iterable[Standing], clinics: Mapping[str, Clinic]) -> list[str]:
    """Appointments that lie outside of the practitioner's hours, as the clinic's file has them."""
    return [
        f"{appointment.appointment_id}: {appointment.practitioner_id} does not work at {appointment.start}"
        for appointment in appointments
        if not _at_work(appointment, clinics[appointment.clinic_id])
    ]


def _at_work(appointment: Standing, clinic: Clinic) -> bool:
    start, end = (moment.astimezone(clinic.zone_info) for moment in (appointment.start, appointment.end))
    practitioner = next(one for one in clinic.practitioners if one.id == appointment.practitioner_id)
    week = practitioner.hours or clinic.hours
    hours = week.get(list(Weekday)[start.weekday()], ())
    return any(span.start <= start.time() and end.time() <= span.end for span in hours)
