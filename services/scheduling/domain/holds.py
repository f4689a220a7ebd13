"""Slots that are kept for somebody: until they are confirmed, given back, or their time is over."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from services.scheduling.domain.booking import new_appointment
from services.scheduling.domain.course import Appointment, Course, Hold, Session
from services.scheduling.domain.diary import Diary, claims
from services.scheduling.domain.slots import TAKEN, Slot, opening_at, refuse_blocked, refuse_served
from shared.messaging.errors import Refused

HOLD_PREFIX: Final = "hold:"


def keep(diary: Diary, hold: Hold) -> Diary:
    """With this hold in place of the one known by its id, and its time claimed or freed accordingly."""
    diary = replace(diary, patient=replace(diary.patient, holds={**diary.patient.holds, hold.hold_id: hold}))
    busy = diary.busy
    for resource, start, end in claims(diary.patient.resource, hold):
        change = busy.taking if hold.state == "open" else busy.freeing
        busy = change(resource, diary.calendar.spans(start, end))
    return replace(diary, busy=busy)


def hold_slot(
    diary: Diary,
    slot: Slot,
    *,
    hold_id: str,
    plan_id: str,
    sequence: int,
    expires_at: datetime,
    moves: str | None = None,
    offered_at: datetime | None = None,
) -> Diary:
    """Keep a slot for a session, with the buffers of its practitioner and room."""
    hold = Hold(
        hold_id=hold_id,
        plan_id=plan_id,
        sequence=sequence,
        start=slot.start,
        end=slot.end,
        practitioner=slot.practitioner,
        room=slot.room,
        buffer_minutes=diary.calendar.buffer_of(slot.practitioner),
        room_buffer_minutes=diary.calendar.buffer_of(slot.room),
        expires_at=expires_at,
        moves=moves,
        offered_at=offered_at,
    )
    return keep(diary, hold)


def to_move_sooner(course: Course, appointment_id: str, start: datetime) -> Appointment:
    """The appointment that an offer would move to `start`.

    Raises:
        Refused: it is booked no more, or comes sooner anyway.
    """
    appointment = course.appointments.get(appointment_id)
    if appointment is None or appointment.status != "booked" or appointment.start <= start:
        raise Refused("The appointment that would move is no longer where it was.", pointer=TAKEN, codes=("has-moved",))
    return appointment


def open_hold(diary: Diary, plan_id: str, sequence: int, hold_id: str | None) -> Hold:
    """The patient's hold for a session.

    Raises:
        Refused: there is none, or with the pointer `TAKEN`, it is over.
    """
    hold = diary.patient.holds.get(hold_id or "")
    if hold is None or (hold.plan_id, hold.sequence) != (plan_id, sequence):
        raise Refused("The patient has no such hold.", pointer="/appointment_id", codes=("offer-over",))
    if not hold.open_at(diary.now):
        raise Refused("The slot is held no longer.", pointer=TAKEN, codes=("offer-over",))
    return hold


def release(diary: Diary, hold: Hold) -> Diary:
    """Give a hold's time back."""
    return keep(diary, replace(hold, state="released"))


def confirm(diary: Diary, hold: Hold, session: Session, booking_id: str) -> Diary:
    """Book what is held; what was offered in place of an appointment moves that appointment.

    Raises:
        Refused: the session has an appointment (by now), or what would move is booked no more or comes sooner.
    """
    freed = keep(diary, replace(hold, state="confirmed"))
    slot = Slot(hold.start, hold.end, hold.practitioner, hold.room)
    if hold.moves:
        return _moved(freed, hold, slot)
    notice = timedelta() if hold.offered_at else None
    return book(freed, freed.course(hold.plan_id), session, slot, booking_id, notice=notice)


def book(
    diary: Diary, course: Course, session: Session, slot: Slot, booking_id: str, *, notice: timedelta | None = None
) -> Diary:
    """Book a slot for a session that has no appointment.

    Raises:
        Refused: it has one, or something is in the way.
    """
    refuse_served(course, session.sequence)
    refuse_blocked(diary, slot, notice)
    appointment = diary.placed(new_appointment(diary, course, session, booking_id), opening_at(diary, slot), "")
    sessions = {**course.sessions, session.sequence: replace(session, unplaced=None, given_up=False)}
    return diary.with_course(replace(course, sessions=sessions)).with_appointments(course.plan_id, [appointment])


def _moved(diary: Diary, hold: Hold, slot: Slot) -> Diary:
    """Agreed with the patient: the clinic's notice does not count."""
    appointment = to_move_sooner(diary.course(hold.plan_id), hold.moves or "", slot.start)
    refuse_blocked(diary.without_claims([appointment]), slot, timedelta())
    return diary.with_appointments(hold.plan_id, [diary.placed(appointment, opening_at(diary, slot), "requested")])
