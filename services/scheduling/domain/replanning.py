"""Other times for what a changed calendar no longer allows. Nothing else moves, unless a gap bound breaks."""

from dataclasses import replace
from datetime import datetime

from services.scheduling.domain.announcing import announce
from services.scheduling.domain.another_time import AnotherTime
from services.scheduling.domain.calendar import ClinicCalendar
from services.scheduling.domain.course import Appointment, ClinicSchedule
from services.scheduling.domain.diary import Diary
from shared.events.base import Fact
from shared.messaging.message import Decision


def replan(schedule: ClinicSchedule, now: datetime, cause: Fact) -> Decision[ClinicSchedule]:
    """Find other times for the appointments ahead that the schedule's calendar does not allow."""
    calendar = schedule.calendar
    assert calendar
    facts: list[Fact] = []
    for name, before in schedule.patients.items():
        diary = Diary(calendar, schedule.busy, before, now)
        for plan_id, appointment in misfits(diary):
            diary = _elsewhere(diary, plan_id, appointment)
        patient, told = announce(before, diary, cause)
        schedule = replace(schedule, busy=diary.busy, patients={**schedule.patients, name: patient})
        facts += told
    return Decision(schedule, tuple(facts))


def misfits(diary: Diary) -> list[tuple[str, Appointment]]:
    """The patient's appointments ahead that the calendar does not allow, with their plans, earliest first."""
    ahead = (
        (plan_id, appointment)
        for plan_id, course in diary.patient.courses.items()
        for appointment in course.appointments.values()
        if appointment.status == "booked" and appointment.start > diary.now
    )
    return sorted(
        ((plan_id, a) for plan_id, a in ahead if not fits(diary, a)),
        key=lambda found: found[1].start,
    )


def fits(diary: Diary, appointment: Appointment) -> bool:
    """Whether the calendar allows an appointment of the patient."""
    return diary.calendar.allows(
        appointment.start, appointment.end, appointment.practitioner, appointment.room, diary.patient.resource
    )


def _elsewhere(diary: Diary, plan_id: str, appointment: Appointment) -> Diary:
    course = diary.course(plan_id)
    if appointment != course.appointments[appointment.appointment_id]:
        return diary
    search = AnotherTime(diary.without_claims([appointment]), course, appointment, None)
    (_, opening), *later = search.places()
    if opening is None:
        session = replace(course.sessions[appointment.sequence], unplaced=search.why())
        course = replace(course, sessions={**course.sessions, session.sequence: session})
        gone = replace(appointment, state="cancelled", reason="not-bookable")
        return diary.with_course(course).with_appointments(plan_id, [gone])
    moved = diary.placed(appointment, opening, _reason(diary.calendar, appointment))
    return diary.with_appointments(plan_id, [moved, *search.spaced(later)])


def _reason(calendar: ClinicCalendar, appointment: Appointment) -> str:
    """The practitioner's absence outweighs the room's."""
    spans = calendar.spans(appointment.start, appointment.end)
    away = any(mask & ~calendar.open_minutes(appointment.practitioner, day) for day, mask in spans)
    return "practitioner-away" if away else "room-closed"
