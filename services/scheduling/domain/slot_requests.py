"""One slot that somebody has chosen: held for a while, booked, or an appointment moved there."""

from dataclasses import replace
from datetime import datetime

from services.scheduling.domain.consultations import with_consultation
from services.scheduling.domain.course import Appointment, ChangeRequest, ClinicSchedule, Course, Session
from services.scheduling.domain.decide import settle
from services.scheduling.domain.diary import Diary, open_diary, refuse_foreign
from services.scheduling.domain.holds import HOLD_PREFIX, book, confirm, hold_slot, open_hold, release
from services.scheduling.domain.slots import TAKEN, Slot, named_slot, opening_at, refuse_blocked, refuse_served
from shared.events.base import PatientFact
from shared.events.scheduling import SlotRequested
from shared.messaging.errors import Refused
from shared.messaging.message import Decision


def request_slot(schedule: ClinicSchedule, fact: SlotRequested, now: datetime) -> Decision[ClinicSchedule]:
    """Hold, confirm, release or book a slot, or move an appointment to it.

    Raises:
        Refused: there is no such session, appointment or hold; or, with the pointer `TAKEN`, what is in the way.
    """
    diary = with_consultation(open_diary(schedule, fact, now), fact)
    course, session = session_of(schedule, diary, fact, fact.plan_id, fact.sequence)
    match fact.action:
        case "hold":
            diary = _held(diary, course, session, fact)
        case "book":
            diary = book(diary, course, session, _slot(diary, fact), fact.request_id)
        case "reschedule":
            diary = _moved(diary, _appointment(course, fact), fact)
        case "cancel":
            diary = _cancelled(diary, _appointment(course, fact), fact)
        case "confirm":
            hold = open_hold(diary, fact.plan_id, fact.sequence, fact.appointment_id)
            diary = confirm(diary, hold, session, fact.request_id)
        case "release":
            diary = release(diary, open_hold(diary, fact.plan_id, fact.sequence, fact.appointment_id))
    return settle(schedule, diary, fact)


def session_of(
    schedule: ClinicSchedule, diary: Diary, fact: PatientFact, plan_id: str, sequence: int
) -> tuple[Course, Session]:
    """The course of the patient and its session that a fact names.

    Raises:
        Refused: there is no such session, or its course is over.
    """
    refuse_foreign(schedule, fact, plan_id, "plan")
    course = diary.course(plan_id)
    session = course.sessions.get(sequence)
    if course.terms is None or session is None or course.ended_at is not None:
        raise Refused("The patient has no such session of a course that goes on.", pointer="/plan_id", codes=("over",))
    return course, session


def _held(diary: Diary, course: Course, session: Session, fact: SlotRequested) -> Diary:
    slot = _slot(diary, fact)
    refuse_served(course, session.sequence)
    refuse_blocked(diary, slot)
    if fact.held_until is None:
        raise Refused("A hold needs an end.", pointer="/held_until")
    return hold_slot(
        diary,
        slot,
        hold_id=f"{HOLD_PREFIX}{fact.event_id}",
        plan_id=fact.plan_id,
        sequence=session.sequence,
        expires_at=fact.held_until,
    )


def _moved(diary: Diary, appointment: Appointment, fact: SlotRequested) -> Diary:
    slot = _slot(diary, fact)
    refuse_blocked(diary.without_claims([appointment]), slot)
    return diary.with_appointments(fact.plan_id, [diary.placed(appointment, opening_at(diary, slot), "requested")])


def _cancelled(diary: Diary, appointment: Appointment, fact: SlotRequested) -> Diary:
    request = ChangeRequest(
        fact.request_id, appointment.appointment_id, "cancel", fact.requested_at, None, rebook=fact.rebook
    )
    requests = {**diary.patient.requests, request.request_id: request}
    return replace(diary, patient=replace(diary.patient, requests=requests))


def _appointment(course: Course, fact: SlotRequested) -> Appointment:
    appointment = course.appointments.get(fact.appointment_id or "")
    if appointment is None or appointment.sequence != fact.sequence:
        raise Refused("The patient has no such appointment.", pointer="/appointment_id")
    if appointment.status != "booked":
        raise Refused(f"The appointment is {appointment.status}.", pointer=TAKEN)
    return appointment


def _slot(diary: Diary, fact: SlotRequested) -> Slot:
    if fact.start is None or fact.practitioner_id is None or fact.room_id is None:
        raise Refused("A slot is a start, a practitioner and a room.", pointer="/start")
    return named_slot(diary, diary.course(fact.plan_id), fact.start, fact.practitioner_id, fact.room_id)
