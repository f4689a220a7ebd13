"""Which sessions were held in which appointments."""

from collections.abc import Iterator
from dataclasses import replace

from services.scheduling.domain.course import Appointment, Attendance, Course
from services.scheduling.domain.diary import Diary


def match_attendance(diary: Diary) -> Diary:
    """Mark each appointment with the session that was held in it, and unmark the others.

    Always done from all records at once, so that their order does not matter. An appointment that
    replaces one in which a session was held after all is not needed.
    """
    held = _matches(diary)
    for course in diary.patient.courses.values():
        marked = [
            replace(a, session_id=held.get(a.appointment_id))
            for a in course.appointments.values()
            if a.session_id != held.get(a.appointment_id)
        ]
        if marked:
            diary = diary.with_appointments(course.plan_id, marked)
            diary = diary.with_appointments(course.plan_id, _needless(diary, diary.course(course.plan_id)))
    return diary


def _matches(diary: Diary) -> dict[str, str]:
    """Session by appointment: first where the record names the appointment, then by local day."""
    known = {a.appointment_id for course in diary.patient.courses.values() for a in course.appointments.values()}
    records = [record for record in diary.patient.attendances.values() if record.started_at and not record.voided]
    records.sort(key=lambda record: (record.started_at, record.session_id))
    held: dict[str, str] = {}
    for record in records:
        if record.appointment_id in known:
            held.setdefault(record.appointment_id, record.session_id)
    for record in records:
        if record.appointment_id is None:
            same_day = min(_same_day(diary, record, held), default=None)
            if same_day:
                held[same_day[-1]] = record.session_id
    return held


def _same_day(diary: Diary, record: Attendance, held: dict[str, str]) -> Iterator[tuple[bool, float, str]]:
    """Appointments of the record's local day, best first when sorted: not missed, nearest in time."""
    assert record.started_at
    day = diary.calendar.day_of(record.started_at)
    for course in diary.patient.courses.values():
        if record.plan_id not in (None, course.plan_id):
            continue
        for a in course.appointments.values():
            if a.state != "cancelled" and a.appointment_id not in held and diary.calendar.day_of(a.start) == day:
                yield a.state == "noshow", abs((a.start - record.started_at).total_seconds()), a.appointment_id


def _needless(diary: Diary, course: Course) -> list[Appointment]:
    return [
        replace(appointment, state="cancelled", reason="plan-adjusted")
        for appointment in course.appointments.values()
        if appointment.status == "booked" and appointment.start > diary.now and _was_held(course, appointment.replaces)
    ]


def _was_held(course: Course, appointment_id: str | None) -> bool:
    """Whether the appointment, or one that it replaces in turn, was held."""
    while appointment_id:
        appointment = course.appointments[appointment_id]
        if appointment.status == "fulfilled":
            return True
        appointment_id = appointment.replaces
    return False
