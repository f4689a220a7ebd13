"""Changes of single appointments: cancelled, moved, missed."""

from dataclasses import replace
from datetime import datetime

from services.scheduling.domain.another_time import AnotherTime
from services.scheduling.domain.booking import new_appointment
from services.scheduling.domain.course import Appointment, ChangeRequest, Course, Unplaced
from services.scheduling.domain.diary import Diary, Unmoved
from services.scheduling.domain.slots import named_slot, opening_at, refuse_blocked
from shared.messaging.errors import Refused


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
        if request.start_at is not None:
            return _move_to(diary, course, appointment, request, request.start_at)
        return _move(diary, course, appointment, request)
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


def _move(diary: Diary, course: Course, appointment: Appointment, request: ChangeRequest) -> Diary:
    search = AnotherTime(diary.without_claims([appointment]), course, appointment, request.not_before)
    places = search.places()
    _, opening = places[0]
    if opening is None:
        return _stays(diary, course, appointment, request, search.why())
    first = diary.placed(appointment, opening, "requested")
    return diary.with_appointments(course.plan_id, [first, *search.spaced(places[1:])])


def _move_to(diary: Diary, course: Course, appointment: Appointment, request: ChangeRequest, start: datetime) -> Diary:
    """Just there, or not at all: somebody has chosen the time, and no other appointment moves."""
    names, without = diary.calendar.resources, diary.without_claims([appointment])
    practitioner = request.practitioner_id or names[appointment.practitioner].external_id
    room = request.room_id or names[appointment.room].external_id
    end = start + (appointment.end - appointment.start)
    try:
        slot = named_slot(without, course, start, practitioner, room)
        refuse_blocked(without, slot)
    except Refused as refused:
        code = refused.codes[0] if refused.codes else "not-free"
        return _stays(diary, course, appointment, request, Unplaced(start, end, code, refused.reason))
    return diary.with_appointments(course.plan_id, [diary.placed(appointment, opening_at(diary, slot), "requested")])


def _stays(diary: Diary, course: Course, appointment: Appointment, request: ChangeRequest, why: Unplaced) -> Diary:
    unmoved = Unmoved(request.request_id, course.plan_id, appointment.sequence, why)
    return replace(diary, unmoved=(*diary.unmoved, unmoved))
