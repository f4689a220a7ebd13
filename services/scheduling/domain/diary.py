"""One patient's courses on the clinic's calendar, at one moment: what every decision works on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from services.scheduling.domain.busy import Busy
from services.scheduling.domain.calendar import ClinicCalendar
from services.scheduling.domain.course import Appointment, ClinicSchedule, Course, Hold, Patient, Unplaced
from services.scheduling.domain.minutes import minutes_since_1970
from services.scheduling.domain.openings import Opening, Openings
from shared.events.base import PatientFact
from shared.messaging.errors import Refused

_ANY_TIME = 1440
"""Minutes between session and therapy where the protocol says no more than the same day."""


class Unmoved(NamedTuple):
    """An appointment that could not be moved: which request that answers, of which session, and why."""

    request_id: str
    plan_id: str
    sequence: int
    why: Unplaced


@dataclass(frozen=True, slots=True)
class Diary:
    """A patient and the calendar; every change gives a new one."""

    calendar: ClinicCalendar
    busy: Busy
    patient: Patient
    now: datetime
    unmoved: tuple[Unmoved, ...] = ()
    """Appointments that stay although somebody asked to move them."""

    @property
    def first_day(self) -> int:
        """The first local day on which something may be booked."""
        return self.calendar.day_of(self.now + self.calendar.notice)

    @property
    def last_day(self) -> int:
        """The last local day on which something may be booked: the clinic's horizon."""
        return self.calendar.day_of(self.now) + self.calendar.horizon_days

    def course(self, plan_id: str) -> Course:
        """The course of a plan; an expected one where nothing is known of it yet."""
        return self.patient.courses.get(plan_id) or Course(plan_id)

    def with_course(self, course: Course) -> "Diary":
        """With this course in place of the one known."""
        return replace(self, patient=replace(self.patient, courses={**self.patient.courses, course.plan_id: course}))

    def with_appointments(self, plan_id: str, appointments: Iterable[Appointment]) -> "Diary":
        """With these appointments in place of those known by their ids, and the calendar claimed accordingly.

        All old claims go before any new one comes: two appointments may swap their times.
        """
        changed = {appointment.appointment_id: appointment for appointment in appointments}
        course = self.course(plan_id)
        diary = self.without_claims(course.appointments[known] for known in changed if known in course.appointments)
        busy = diary.busy
        for appointment in changed.values():
            if appointment.claims:
                for resource, start, end in claims(self.patient.resource, appointment):
                    busy = busy.taking(resource, self.calendar.spans(start, end))
        return replace(diary, busy=busy).with_course(replace(course, appointments={**course.appointments, **changed}))

    def without_claims(self, appointments: Iterable[Appointment]) -> "Diary":
        """With the times of these appointments free, while it is decided where they go."""
        busy = self.busy
        for appointment in appointments:
            if appointment.claims:
                for resource, start, end in claims(self.patient.resource, appointment):
                    busy = busy.freeing(resource, self.calendar.spans(start, end))
        return replace(self, busy=busy)

    def openings(self, course: Course) -> Openings:
        """Where sessions of a course fit, seen from now.

        Raises:
            ValueError: the course has no terms yet.
        """
        terms = course.terms
        if terms is None:
            raise ValueError(f"course {course.plan_id} has no terms yet")
        return Openings(
            calendar=self.calendar,
            busy=self.busy,
            patient=self.patient.resource,
            minutes=terms.session_minutes,
            practitioners=self.calendar.offering("practitioner", terms.skill),
            rooms=self.calendar.offering("room", terms.room_kind),
            preferred_times=terms.preferred_times,
            impossible_times=terms.impossible_times,
            therapists=self.calendar.offering("practitioner", terms.therapy.kind) if terms.therapy else (),
            therapy_within=(terms.therapy.within_minutes if terms.therapy else None) or _ANY_TIME,
            earliest=minutes_since_1970(self.now + self.calendar.notice),
            last_day=self.last_day,
        )

    def placed(self, appointment: Appointment, opening: Opening, reason: str) -> Appointment:
        """The appointment at an opening; the very same where it is there already, by the clocks as well."""
        start = self.calendar.moment(opening.day, opening.minute)
        there = (appointment.start, appointment.practitioner, appointment.room)
        shifted = self.calendar.has_shifted(start, appointment.local_start, appointment.local_zone)
        if there == (start, opening.practitioner, opening.room) and not shifted:
            return appointment
        return replace(
            appointment,
            start=start,
            end=start + (appointment.end - appointment.start),
            practitioner=opening.practitioner,
            room=opening.room,
            buffer_minutes=self.calendar.buffer_of(opening.practitioner),
            room_buffer_minutes=self.calendar.buffer_of(opening.room),
            local_start=self.calendar.wall_time(start),
            local_zone=self.calendar.zone.key,
            reason=reason,
        )

    def opening_of(self, appointment: Appointment) -> Opening:
        """Where an appointment is now."""
        day = self.calendar.day_of(appointment.start)
        minute = minutes_since_1970(appointment.start) - self.calendar.first_minute(day)
        return Opening(day, minute, appointment.practitioner, appointment.room)


def claims(patient: int, appointment: Appointment | Hold) -> Iterator[tuple[int, datetime, datetime]]:
    """What an appointment takes: buffers lengthen the practitioner's and the room's claim only."""
    own, room = appointment.buffer_minutes, appointment.room_buffer_minutes
    yield appointment.practitioner, appointment.start, appointment.end + timedelta(minutes=own)
    yield appointment.room, appointment.start, appointment.end + timedelta(minutes=own if room is None else room)
    yield patient, appointment.start, appointment.end


def open_diary(schedule: ClinicSchedule, fact: PatientFact, now: datetime) -> Diary:
    """The diary of the patient that `fact` is about.

    Raises:
        Refused: nobody described the clinic.
    """
    if schedule.calendar is None:
        raise Refused(
            f"There is no clinic {fact.clinic_id}.",
            pointer="/clinic_id",
            remedy=f"Add clinics/{fact.clinic_id}.yaml, restart scheduling and replay what is parked.",
        )
    return Diary(schedule.calendar, schedule.busy, schedule.patients[fact.patient_id], now)


def refuse_foreign(schedule: ClinicSchedule, fact: PatientFact, identifier: str, kind: str) -> None:
    """Say so when somebody names another patient's plan or appointment; it would have no effect anyway.

    Raises:
        Refused: `identifier` belongs to another patient, or to another clinic.
    """
    if identifier in schedule.foreign:
        raise Refused(
            f"{kind} {identifier} is not of the patient that {fact.NAME} names.",
            pointer=f"/{kind}_id",
            remedy="Send it with the id of the patient it belongs to.",
        )
