"""A decision as it was published, where deciding it again gives something else.

The calendar of today is not the calendar of then, and which of two courses came first decides who
gets a time. So in a rebuild what was published holds, and of what was decided again all the rest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce

from services.scheduling.domain.course import Appointment, ClinicSchedule, Course, Patient, Session, Unplaced
from services.scheduling.domain.diary import Diary
from services.scheduling.domain.minutes import EPOCH
from shared.events import scheduling
from shared.events.base import Fact
from shared.messaging.errors import Refused
from shared.messaging.message import Decision


def as_told(before: ClinicSchedule, decision: Decision[ClinicSchedule], told: Sequence[Fact]) -> ClinicSchedule:
    """The schedule with just those appointments that `told` leads to from `before`.

    Raises:
        Refused: an appointment is with somebody whom the clinic's calendar never had.
    """
    decided, named = decision.state, {getattr(fact, "patient_id", "") for fact in told}
    changed = [
        patient for name, patient in decided.patients.items() if name in named or patient is not before.patients[name]
    ]
    if decided.calendar and before.calendar:
        decided = replace(decided, busy=before.busy.seen_from(decided.calendar, before.calendar))
    return reduce(lambda schedule, patient: _patient_as_told(before, schedule, patient, told), changed, decided)


def _patient_as_told(
    before: ClinicSchedule, schedule: ClinicSchedule, decided: Patient, told: Sequence[Fact]
) -> ClinicSchedule:
    calendar = schedule.calendar
    assert calendar
    known = before.patients[decided.patient_id].courses
    courses = {
        plan_id: replace(course, appointments=known[plan_id].appointments if plan_id in known else {})
        for plan_id, course in decided.courses.items()
    }
    mine = [fact for fact in told if getattr(fact, "patient_id", "") == decided.patient_id]
    diary = Diary(calendar, schedule.busy, replace(decided, courses=courses), EPOCH)
    for plan_id, course in decided.courses.items():
        about = [fact for fact in mine if getattr(fact, "plan_id", None) == plan_id]
        appointments = _appointments(diary, courses[plan_id], course, about)
        diary = diary.with_appointments(plan_id, appointments.values())
        settled = diary.course(plan_id)
        before_it = known.get(plan_id) or Course(plan_id)
        sessions = _sessions(before_it, settled, about)
        diary = diary.with_course(replace(settled, sessions=sessions, queue_revision=_revision(before_it, about)))
    return replace(schedule, busy=diary.busy, patients={**schedule.patients, decided.patient_id: diary.patient})


def _appointments(diary: Diary, known: Course, decided: Course, told: Iterable[Fact]) -> Mapping[str, Appointment]:
    """Each at its newest published version; in which session it was held is as decided."""
    appointments = dict(known.appointments)
    for fact in told:
        if isinstance(fact, scheduling.AppointmentFact):
            appointments[fact.appointment_id] = _appointment(diary, appointments.get(fact.appointment_id), fact)
    held = {name: appointment.session_id for name, appointment in decided.appointments.items()}
    return {name: replace(each, session_id=held.get(name, each.session_id)) for name, each in appointments.items()}


def _appointment(diary: Diary, known: Appointment | None, fact: scheduling.AppointmentFact) -> Appointment:
    """The appointment as `fact` tells of it."""
    base = known or Appointment(
        appointment_id=fact.appointment_id,
        sequence=fact.sequence,
        start=fact.start,
        end=fact.end,
        practitioner=0,
        room=0,
        buffer_minutes=diary.calendar.buffer_minutes,
        booking_id="",
    )
    base = replace(base, version=fact.appointment_version, start=fact.start, end=fact.end, reason="")
    match fact:
        case scheduling.AppointmentBooked():
            placed = _placed(diary, base, fact)
            return replace(placed, state="booked", booking_id=fact.booking_id, replaces=fact.replaces)
        case scheduling.AppointmentMoved():
            return replace(_placed(diary, base, fact), reason=fact.reason)
        case scheduling.AppointmentCancelled():
            return replace(base, state="cancelled", reason=fact.reason)
        case _:
            return replace(base, state="noshow")


def _placed(
    diary: Diary,
    appointment: Appointment,
    fact: scheduling.AppointmentBooked | scheduling.AppointmentMoved,
) -> Appointment:
    practitioner = _place(diary, appointment, "practitioner", fact.practitioner_id)
    room = _place(diary, appointment, "room", fact.room_id)
    return replace(
        appointment,
        practitioner=practitioner,
        room=room,
        buffer_minutes=diary.calendar.buffer_of(practitioner),
        room_buffer_minutes=diary.calendar.buffer_of(room),
        local_start=diary.calendar.wall_time(appointment.start),
        local_zone=diary.calendar.zone.key,
    )


def _place(diary: Diary, appointment: Appointment, kind: str, name: str) -> int:
    """Of the places that a practitioner or a room has, a free one."""
    resources = diary.calendar.resources.values()
    places = [each.id for each in resources if (each.kind, each.external_id) == (kind, name)]
    if not places:
        raise Refused(
            "The appointment is with somebody, or in a room, that the clinic's calendar never had.",
            remedy="Send the clinic's calendar as it was, with those who have left.",
        )
    spans = list(diary.calendar.spans(appointment.start, appointment.end))
    free = (place for place in places if not any(diary.busy.on(place, day) & mask for day, mask in spans))
    return next(free, places[0])


def _sessions(known: Course, settled: Course, told: Iterable[Fact]) -> Mapping[int, Session]:
    """Which of them have no time is as published: what has an appointment has one, what was reported has none."""
    reported = {
        one.sequence: one for fact in told if isinstance(fact, scheduling.CourseUnschedulable) for one in fact.unplaced
    }
    booked = {a.sequence for a in settled.appointments.values() if a.status == "booked"}
    sessions: dict[int, Session] = {}
    for number, session in settled.sessions.items():
        before = known.sessions.get(number)
        why = _why(reported[number]) if number in reported else (before.unplaced if before else None)
        open_ = number not in booked and settled.ended_at is None
        sessions[number] = replace(session, unplaced=why if open_ else None)
    return sessions


def _revision(known: Course, told: Iterable[Fact]) -> int:
    """How often the queue of the course was told."""
    revisions = (fact.revision for fact in told if isinstance(fact, scheduling.WorkQueueChanged))
    return max(revisions, default=known.queue_revision)


def _why(told: scheduling.UnplacedSession) -> Unplaced:
    return Unplaced(told.earliest, told.latest, told.reason, told.detail)
