"""One slot that somebody has chosen: held for a while, booked, or an appointment moved there."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from services.scheduling.domain.booking import new_appointment, terms_of
from services.scheduling.domain.course import Appointment, ChangeRequest, ClinicSchedule, Course, Hold, Session
from services.scheduling.domain.decide import settle
from services.scheduling.domain.diary import Diary, claims, open_diary, refuse_foreign
from services.scheduling.domain.minutes import minutes_since_1970
from services.scheduling.domain.openings import Opening
from shared.events.scheduling import SlotRequested
from shared.messaging.errors import Refused
from shared.messaging.message import Decision

TAKEN: Final = "/slot"
"""The pointer of a refusal because something is in the way there; any other request is wrong in itself."""
HOLD_PREFIX: Final = "hold:"
_DAYS_LISTED = 62


@dataclass(frozen=True, slots=True)
class Slot:
    """A start with a practitioner and a room, by the ids of the clinic's resources."""

    start: datetime
    end: datetime
    practitioner: int
    room: int


def request_slot(schedule: ClinicSchedule, fact: SlotRequested, now: datetime) -> Decision[ClinicSchedule]:
    """Hold, confirm, release or book a slot, or move an appointment to it.

    Raises:
        Refused: there is no such session, appointment or hold; or, with the pointer `TAKEN`, what is in the way.
    """
    diary = open_diary(schedule, fact, now)
    refuse_foreign(schedule, fact, fact.plan_id, "plan")
    course = diary.course(fact.plan_id)
    session = course.sessions.get(fact.sequence)
    if course.terms is None or session is None or course.ended_at is not None:
        raise Refused("The patient has no such session of a course that goes on.", pointer="/plan_id")
    match fact.action:
        case "hold":
            diary = _held(diary, session, fact)
        case "book":
            diary = _booked(diary, fact, session, _slot(diary, fact, session))
        case "reschedule":
            diary = _moved(diary, _appointment(course, fact), fact)
        case "cancel":
            diary = _cancelled(diary, _appointment(course, fact), fact)
        case _:
            diary = _answered(diary, session, fact, confirm=fact.action == "confirm")
    return settle(schedule, diary, fact)


def blockers(diary: Diary, slot: Slot) -> Iterator[str]:
    """What is in the way of a slot, each as a few words without anybody's name."""
    calendar, busy = diary.calendar, diary.busy
    if slot.start < diary.now + calendar.notice:
        yield "the clinic's minimum notice"
    if calendar.day_of(slot.start) > diary.last_day:
        yield "the clinic's horizon"
    if not calendar.start_grid(calendar.day_of(slot.start)) >> _minute(diary, slot.start) & 1:
        yield "the clinic's grid of starts"
    patient = diary.patient.resource
    if any(mask & calendar.closed_minutes(patient, day) for day, mask in calendar.spans(slot.start, slot.end)):
        yield "the patient can't come"
    if any(mask & busy.on(patient, day) for day, mask in calendar.spans(slot.start, slot.end)):
        yield "the patient has another appointment"
    yield from _unavailable(diary, slot, "practitioner", slot.practitioner)
    yield from _unavailable(diary, slot, "room", slot.room)


def _unavailable(diary: Diary, slot: Slot, kind: str, resource: int) -> Iterator[str]:
    calendar, name = diary.calendar, f"{kind} {diary.calendar.resources[resource].external_id}"
    after = slot.end + timedelta(minutes=calendar.buffer_minutes)
    if any(mask & ~calendar.open_minutes(resource, day) for day, mask in calendar.spans(slot.start, slot.end)):
        yield f"{name} is closed"
    if any(mask & diary.busy.on(resource, day) for day, mask in calendar.spans(slot.start, after)):
        yield f"{name} is taken"


def free_slots(
    diary: Diary, course: Course, first: datetime, last: datetime, practitioner: str | None = None
) -> Iterator[Slot]:
    """The free slots for a session of a course that start from `first` up to `last`, earliest first."""
    openings, calendar = diary.openings(course), diary.calendar
    minutes = timedelta(minutes=terms_of(course).session_minutes)
    able = [who for who in openings.practitioners if practitioner in (None, calendar.resources[who].external_id)]
    begin = calendar.day_of(max(first, diary.now + calendar.notice))
    for day in range(begin, min(calendar.day_of(last), diary.last_day, begin + _DAYS_LISTED) + 1):
        grid = calendar.start_grid(day)
        for minute in (minute for minute in range(grid.bit_length()) if grid >> minute & 1):
            start = calendar.moment(day, minute)
            if first <= start < last:
                for who in able:
                    slots = (Slot(start, start + minutes, who, room) for room in openings.rooms)
                    found = next((slot for slot in slots if not any(blockers(diary, slot))), None)
                    if found:
                        yield found


def _held(diary: Diary, session: Session, fact: SlotRequested) -> Diary:
    slot = _slot(diary, fact, session)
    _check(diary, fact.plan_id, session, slot)
    if fact.held_until is None:
        raise Refused("A hold needs an end.", pointer="/held_until")
    hold = Hold(
        hold_id=f"{HOLD_PREFIX}{fact.event_id}",
        plan_id=fact.plan_id,
        sequence=session.sequence,
        start=slot.start,
        end=slot.end,
        practitioner=slot.practitioner,
        room=slot.room,
        buffer_minutes=diary.calendar.buffer_minutes,
        expires_at=fact.held_until,
    )
    return _with_hold(diary, hold)


def _answered(diary: Diary, session: Session, fact: SlotRequested, *, confirm: bool) -> Diary:
    hold = diary.patient.holds.get(fact.appointment_id or "")
    if hold is None or (hold.plan_id, hold.sequence) != (fact.plan_id, fact.sequence):
        raise Refused("The patient has no such hold.", pointer="/appointment_id")
    if not hold.open_at(diary.now):
        raise Refused("The slot is held no longer.", pointer=TAKEN)
    freed = _with_hold(diary, replace(hold, state="confirmed" if confirm else "released"))
    slot = Slot(hold.start, hold.end, hold.practitioner, hold.room)
    return _booked(freed, fact, session, slot) if confirm else freed


def _with_hold(diary: Diary, hold: Hold) -> Diary:
    diary = replace(diary, patient=replace(diary.patient, holds={**diary.patient.holds, hold.hold_id: hold}))
    busy = diary.busy
    for resource, start, end in claims(diary.patient.resource, hold):
        change = busy.taking if hold.state == "open" else busy.freeing
        busy = change(resource, diary.calendar.spans(start, end))
    return replace(diary, busy=busy)


def _booked(diary: Diary, fact: SlotRequested, session: Session, slot: Slot) -> Diary:
    _check(diary, fact.plan_id, session, slot)
    course = diary.course(fact.plan_id)
    appointment = diary.placed(new_appointment(diary, course, session, fact.request_id), _opening(diary, slot), "")
    sessions = {**course.sessions, session.sequence: replace(session, unplaced=None, given_up=False)}
    return diary.with_course(replace(course, sessions=sessions)).with_appointments(fact.plan_id, [appointment])


def _moved(diary: Diary, appointment: Appointment, fact: SlotRequested) -> Diary:
    course = diary.course(fact.plan_id)
    slot = _slot(diary, fact, course.sessions[appointment.sequence])
    _refuse(blockers(diary.without_claims([appointment]), slot))
    return diary.with_appointments(fact.plan_id, [diary.placed(appointment, _opening(diary, slot), "requested")])


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


def _slot(diary: Diary, fact: SlotRequested, session: Session) -> Slot:
    if fact.start is None or fact.practitioner_id is None or fact.room_id is None:
        raise Refused("A slot is a start, a practitioner and a room.", pointer="/start")
    end = fact.start + timedelta(minutes=session.minutes)
    terms = terms_of(diary.course(fact.plan_id))
    who = _free_place(diary, ("practitioner", fact.practitioner_id, terms.skill), fact.start, end)
    room = _free_place(diary, ("room", fact.room_id, terms.room_kind), fact.start, end)
    return Slot(fact.start, end, who, room)


def _free_place(diary: Diary, wanted: tuple[Literal["practitioner", "room"], str, str], start: datetime,
                end: datetime) -> int:  # fmt: skip
    """Of the places that a practitioner or a room has, one that is free, or else any."""
    kind, name, offer = wanted
    resources, calendar = diary.calendar.resources, diary.calendar
    places = [each for each in calendar.offering(kind, offer) if resources[each].external_id == name]
    if not places:
        raise Refused(f"The clinic has no {kind} of this id that the session could have.", pointer=f"/{kind}_id")
    spans = list(calendar.spans(start, end))
    return next((p for p in places if not any(mask & diary.busy.on(p, day) for day, mask in spans)), places[0])


def _check(diary: Diary, plan_id: str, session: Session, slot: Slot) -> None:
    for appointment in diary.course(plan_id).appointments.values():
        if appointment.sequence == session.sequence and appointment.status in ("booked", "fulfilled"):
            raise Refused(f"The session has the appointment {appointment.appointment_id}.", pointer=TAKEN)
    _refuse(blockers(diary, slot))


def _refuse(found: Iterator[str]) -> None:
    reasons = list(dict.fromkeys(found))
    if reasons:
        remedy = "Choose another slot: $find lists those that are free."
        raise Refused(f"In the way: {'; '.join(reasons)}.", pointer=TAKEN, remedy=remedy)


def _minute(diary: Diary, start: datetime) -> int:
    return minutes_since_1970(start) - diary.calendar.first_minute(diary.calendar.day_of(start))


def _opening(diary: Diary, slot: Slot) -> Opening:
    day = diary.calendar.day_of(slot.start)
    return Opening(day, _minute(diary, slot.start), slot.practitioner, slot.room, preferred=True)
