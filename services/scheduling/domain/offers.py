"""A time that has become free, offered to a patient: a hold that Stride makes by itself."""

from dataclasses import replace
from datetime import datetime, timedelta

from services.scheduling.domain.course import ClinicSchedule, Course, Wait
from services.scheduling.domain.decide import settle
from services.scheduling.domain.diary import open_diary
from services.scheduling.domain.holds import hold_slot, to_move_sooner
from services.scheduling.domain.slot_requests import session_of
from services.scheduling.domain.slots import TAKEN, named_slot, refuse_blocked, refuse_served
from shared.events.scheduling import WaitlistChanged, WaitlistOffered
from shared.messaging.errors import Refused
from shared.messaging.message import Decision


def note_wait(schedule: ClinicSchedule, fact: WaitlistChanged, now: datetime) -> Decision[ClinicSchedule]:
    """Remember whether offers are wanted; what was recorded last holds, whatever order it comes in."""
    diary = open_diary(schedule, fact, now)
    said = Wait(fact.plan_id, fact.wanted, fact.recorded_at, fact.request_id)
    known = diary.patient.waits.get(fact.plan_id)
    if known and (known.recorded_at, known.request_id) >= (said.recorded_at, said.request_id):
        return Decision(schedule)
    waits = {**diary.patient.waits, fact.plan_id: said}
    return settle(schedule, replace(diary, patient=replace(diary.patient, waits=waits)), fact)


def offer_time(schedule: ClinicSchedule, fact: WaitlistOffered, now: datetime) -> Decision[ClinicSchedule]:
    """Keep the time for the patient until the offer is over.

    Raises:
        Refused: the session is not as it was when the offer was thought of, or something is in the way by now.
    """
    diary = open_diary(schedule, fact, now)
    course, session = session_of(schedule, diary, fact, fact.plan_id, fact.sequence)
    _refuse_changed(course, fact)
    if any(hold.open_at(now) for hold in diary.patient.holds.values()):
        raise Refused("Something is kept for the patient already.", pointer=TAKEN)
    slot = named_slot(diary, course, fact.start, fact.practitioner_id, fact.room_id)
    refuse_blocked(diary, slot, timedelta())
    diary = hold_slot(
        diary,
        slot,
        hold_id=fact.offer_id,
        plan_id=fact.plan_id,
        sequence=session.sequence,
        expires_at=fact.expires_at,
        moves=fact.appointment_id,
        offered_at=fact.offered_at,
    )
    return settle(schedule, diary, fact)


def _refuse_changed(course: Course, fact: WaitlistOffered) -> None:
    if fact.appointment_id is None:
        refuse_served(course, fact.sequence)
    else:
        to_move_sooner(course, fact.appointment_id, fact.start)
