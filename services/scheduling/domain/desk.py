"""What the front desk asks for: done as the same thing asked at scheduling's own edge, or refused with the reason."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Literal

from services.scheduling.domain.course import ClinicSchedule
from services.scheduling.domain.diary import open_diary
from services.scheduling.domain.offers import note_wait
from services.scheduling.domain.slot_requests import request_slot, session_of
from services.scheduling.domain.slots import TAKEN
from services.scheduling.domain.work_queue import give_up, proposals
from shared.events.base import Fact
from shared.events.console import DeskActionRequested
from shared.events.scheduling import DeskActionAnswered, SessionGivenUp, SlotRequested, WaitlistChanged
from shared.messaging.errors import Refused
from shared.messaging.message import Decision

_Done = Decision[ClinicSchedule]


def act(schedule: ClinicSchedule, fact: DeskActionRequested, now: datetime) -> _Done:
    """Do it, and tell whoever asked that it is done, or why it can't be.

    Raises:
        Refused: nobody described the clinic.
    """
    open_diary(schedule, fact, now)
    try:
        done = _ACTIONS[fact.action](schedule, fact, now)
    except Refused as refusal:
        codes = refusal.codes or ("not-possible",)
        return Decision(schedule, (_answer(fact, now, "refused", reasons=codes, detail=refusal.reason),))
    return Decision(done.state, (*done.facts, _answer(fact, now, "done")))


def _answer(fact: DeskActionRequested, now: datetime, outcome: Literal["done", "refused"], **more: Any) -> Fact:
    return DeskActionAnswered(
        clinic_id=fact.clinic_id,
        patient_id=fact.patient_id,
        request_id=fact.request_id,
        action=fact.action,
        plan_id=fact.plan_id,
        sequence=fact.sequence,
        offer_id=fact.offer_id,
        requested_by=fact.requested_by,
        outcome=outcome,
        answered_at=now,
        **more,
    )


def _book(schedule: ClinicSchedule, fact: DeskActionRequested, now: datetime) -> _Done:
    slot = {"start": fact.start, "practitioner_id": fact.practitioner_id, "room_id": fact.room_id}
    return request_slot(schedule, _slot_request(fact, "book", **slot), now)


def _book_by_wish(schedule: ClinicSchedule, fact: DeskActionRequested, now: datetime) -> _Done:
    """The best time that suits the wish: it breaks the fewest rules, and lies nearest to where the session belongs."""
    diary = open_diary(schedule, fact, now)
    course, session = session_of(schedule, diary, fact, fact.plan_id, _sequence(fact))
    if session.unplaced is None:
        raise Refused("The session is not without a time.", pointer=TAKEN, codes=("has-a-time",))
    found = proposals(diary, course, session, 1, fact.wish)
    if not found:
        raise Refused("No free time suits the wish.", pointer="/wish", codes=("no-time",))
    slot, names = found[0].slot, diary.calendar.resources
    place = {"practitioner_id": names[slot.practitioner].external_id, "room_id": names[slot.room].external_id}
    return request_slot(schedule, _slot_request(fact, "book", start=slot.start, **place), now)


def _give_up(schedule: ClinicSchedule, fact: DeskActionRequested, now: datetime) -> _Done:
    given_up = SessionGivenUp(
        **_whose(fact),
        request_id=fact.request_id,
        plan_id=fact.plan_id,
        sequence=_sequence(fact),
        reason=fact.reason or "not-needed",
        recorded_at=fact.requested_at,
    )
    return give_up(schedule, given_up, now)


def _wait(schedule: ClinicSchedule, fact: DeskActionRequested, now: datetime) -> _Done:
    """What a patient said of offers is told on as what it is: others know it by that fact."""
    course = open_diary(schedule, fact, now).course(fact.plan_id)
    if course.state != "active":
        raise Refused("The patient has no such course that goes on.", pointer="/plan_id", codes=("over",))
    said = WaitlistChanged(
        **_whose(fact),
        request_id=fact.request_id,
        plan_id=fact.plan_id,
        wanted=fact.action == "wait",
        recorded_at=fact.requested_at,
    )
    noted = note_wait(schedule, said, now)
    return Decision(noted.state, (*noted.facts, said))


def _accept(schedule: ClinicSchedule, fact: DeskActionRequested, now: datetime) -> _Done:
    return request_slot(schedule, _slot_request(fact, "confirm", appointment_id=fact.offer_id), now)


def _decline(schedule: ClinicSchedule, fact: DeskActionRequested, now: datetime) -> _Done:
    return request_slot(schedule, _slot_request(fact, "release", appointment_id=fact.offer_id), now)


_ACTIONS: Final[Mapping[str, Callable[[ClinicSchedule, DeskActionRequested, datetime], _Done]]] = {
    "book": _book,
    "book-by-wish": _book_by_wish,
    "give-up": _give_up,
    "wait": _wait,
    "stop-waiting": _wait,
    "accept-offer": _accept,
    "decline-offer": _decline,
}


def _slot_request(
    fact: DeskActionRequested, action: Literal["book", "confirm", "release"], **more: Any
) -> SlotRequested:
    return SlotRequested(
        **_whose(fact),
        request_id=fact.request_id,
        action=action,
        requested_at=fact.requested_at,
        plan_id=fact.plan_id,
        sequence=_sequence(fact),
        **more,
    )


def _whose(fact: DeskActionRequested) -> dict[str, Any]:
    return {"clinic_id": fact.clinic_id, "patient_id": fact.patient_id}


def _sequence(fact: DeskActionRequested) -> int:
    if fact.sequence is None:
        raise Refused("It is not said for which session.", pointer="/sequence")
    return fact.sequence
