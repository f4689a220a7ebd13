"""Changes of single appointments: cancelled, moved, missed."""

from dataclasses import replace
from datetime import datetime

from services.scheduling.domain.another_time import AnotherTime
from services.scheduling.domain.booking import new_appointment
from services.scheduling.domain.course import Appointment, ChangeRequest, Course
from services.scheduling.domain.diary import Diary


def take_requests(diary: Diary) -> Diary:
    """Take every request whose appointment is known by now, in the order in which they were made.

    The others wait: a request may come before its appointment.
    """
    waiting = sorted(
        (request for request in diary.patient.requests.values() if not request.taken),
        key=lambda request: (request.requested_at, request.request_id),
    )
    for request in waiting:
        found = _find(diary, request.appointment_id)
        if found:
            changed = _take(_marked(diary, request), *found, request)
            return take_requests(changed)
    return diary


def _find(diary: Diary, appointment_id: str) -> tuple[Course, Appointment] | None:
    for course in diary.patient.courses.values():
        if appointment_id in course.appointments:
            return course, course.appointments[appointment_id]
    return None


def _marked(diary: Diary, request: ChangeRequest) -> Diary:
    requests = {**diary.patient.requests, request.request_id: replace(request, taken=True)}
    return replace(diary, patient=replace(diary.patient, requests=requests))


def _take(diary: Diary, course: Course, appointment: Appointment, request: ChangeRequest) -> Diary:
    """What is no longer booked can't be changed: a second cancellation has no effect."""
    if appointment.status != "booked":
        return diary
    if request.change == "move":
        return _move(diary, course, appointment, request.not_before)
    missed = request.change == "no-show"
    gone = replace(appointment, state="noshow" if missed else "cancelled", reason="" if missed else "requested")
    diary = diary.with_appointments(course.plan_id, [gone])
    if course.ended_at is not None and course.ended_at <= diary.now:
        return diary
    if missed or request.rebook:
        return _replace(diary, diary.course(course.plan_id), gone)
    given_up = {**course.sessions, gone.sequence: replace(course.sessions[gone.sequence], given_up=True)}
    return diary.with_course(replace(diary.course(course.plan_id), sessions=given_up))


def _replace(diary: Diary, course: Course, gone: Appointment) -> Diary:
    """Book another appointment for the session of one that will not, or did not, take place."""
    session = course.sessions[gone.sequence]
    search = AnotherTime(diary, course, gone, None)
    places = search.places()
    _, opening = places[0]
    if opening is None:
        sessions = {**course.sessions, gone.sequence: replace(session, unplaced=search.why())}
        return diary.with_course(replace(course, sessions=sessions))
    replacement = replace(new_appointment(diary, course, session), replaces=gone.appointment_id)
    first = diary.placed(replacement, opening, "")
    return diary.with_appointments(course.plan_id, [first, *search.spaced(places[1:])])


def _move(diary: Diary, course: Course, appointment: Appointment, not_before: datetime | None) -> Diary:
    search = AnotherTime(diary.without_claims([appointment]), course, appointment, not_before)
    places = search.places()
    _, opening = places[0]
    if opening is None:
        report = (course.plan_id, appointment.sequence, search.why())
        return replace(diary, unmoved=(*diary.unmoved, report))
    first = diary.placed(appointment, opening, "requested")
    return diary.with_appointments(course.plan_id, [first, *search.spaced(places[1:])])
