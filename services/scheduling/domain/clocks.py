"""New zone data: appointments go back to the wall time that they were booked at.

A country changes its rules, the same wall time becomes another instant, and people come by the wall. All that is
meant to be at another instant now is freed at once and put there; what the calendar does not allow there, or what is
taken, is planned again like any other misfit.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.scheduling.domain.calendar import ClinicCalendar
from services.scheduling.domain.course import Appointment, ClinicSchedule
from services.scheduling.domain.diary import Diary, claims

_REASON: Final = "practitioner-away"
"""Of the reasons that `appointment.moved` knows: the hours of who treats are by the clinic's clocks."""


def back_to_wall_time(schedule: ClinicSchedule, now: datetime) -> ClinicSchedule:
    """The schedule with every shifted appointment at its wall time where it fits; the others stay, and are misfits."""
    calendar = schedule.calendar
    assert calendar
    shifted = list(_shifted(schedule, calendar, now))
    busy = schedule.busy
    for name, _, appointment in shifted:
        for resource, start, end in claims(schedule.patients[name].resource, appointment):
            busy = busy.freeing(resource, calendar.spans(start, end))
    patients = dict(schedule.patients)
    for name, plan_id, old in sorted(shifted, key=lambda each: (each[2].start, each[2].appointment_id)):
        diary = Diary(calendar, busy, patients[name], now)
        appointment = _moved(diary, old)
        for resource, start, end in claims(diary.patient.resource, appointment):
            busy = busy.taking(resource, calendar.spans(start, end))
        course = diary.course(plan_id)
        appointments = {**course.appointments, appointment.appointment_id: appointment}
        patients[name] = diary.with_course(replace(course, appointments=appointments)).patient
    return replace(schedule, busy=busy, patients=patients)


def _shifted(
    schedule: ClinicSchedule, calendar: ClinicCalendar, now: datetime
) -> Iterator[tuple[str, str, Appointment]]:
    for name, patient in schedule.patients.items():
        for plan_id, course in patient.courses.items():
            for appointment in course.appointments.values():
                ahead = appointment.status == "booked" and appointment.start > now
                meant = appointment.local_start, appointment.local_zone
                if ahead and calendar.has_shifted(appointment.start, *meant):
                    yield name, plan_id, appointment


def _moved(diary: Diary, old: Appointment) -> Appointment:
    """At its wall time; where that is not possible, as it is."""
    assert old.local_start
    start = diary.calendar.instant(old.local_start)
    there = replace(old, start=start, end=start + (old.end - old.start), reason=_REASON)
    patient = diary.patient.resource
    allowed = diary.calendar.allows(there.start, there.end, there.practitioner, there.room, patient)
    free = all(
        not diary.busy.on(resource, day) & mask
        for resource, begin, end in claims(patient, there)
        for day, mask in diary.calendar.spans(begin, end)
    )
    return there if start > diary.now and allowed and free else old
