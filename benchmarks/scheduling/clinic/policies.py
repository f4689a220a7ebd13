"""The policies that are compared: what is booked when, and who gets a freed slot."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from operator import add
from typing import NamedTuple

from benchmarks.scheduling.clinic.world import Decide, OnOffer, Refill, World
from services.scheduling.domain.booking import START_WITHIN_DAYS, expanded, main_practitioners, new_appointment
from services.scheduling.domain.course import Appointment, ClinicSchedule, Course, Patient
from services.scheduling.domain.decide import terms_of_plan
from services.scheduling.domain.diary import Diary
from services.scheduling.domain.objective import uneven, wait
from services.scheduling.domain.slots import Slot
from services.scheduling.domain.waitlist import Candidate, OfferRules, candidates, next_offer
from services.scheduling.handlers import HANDLERS
from shared.events.base import PatientFact
from shared.events.intake import AppointmentChangeRequested, PlanCreated, SessionLogged

_SOUGHT = timedelta(days=21)
"""Whose next appointment is this long after a freed slot is not asked."""


def whole_course(schedule: ClinicSchedule, fact: PatientFact, now: datetime) -> ClinicSchedule:
    """Book all sessions at once, as the product does: these are its own handlers."""
    return HANDLERS[type(fact)](schedule, fact, now).state


def whole_course_all_firm(schedule: ClinicSchedule, fact: PatientFact, now: datetime) -> ClinicSchedule:
    """The same, with every session firm from the first day on."""
    assert schedule.calendar
    firm = replace(schedule, calendar=replace(schedule.calendar, firm_days=schedule.calendar.horizon_days))
    return replace(whole_course(firm, fact, now), calendar=schedule.calendar)


def next_visit(schedule: ClinicSchedule, fact: PatientFact, now: datetime) -> ClinicSchedule:
    """Book one session at a time, on the day that costs least by the product's objective, not looking further."""
    assert schedule.calendar
    diary = Diary(schedule.calendar, schedule.busy, schedule.patients[fact.patient_id], now)
    match fact:
        case PlanCreated():
            terms = terms_of_plan(fact)
            total = sum(phase.sessions for phase in terms.phases)
            sessions = {s.sequence: s for s in expanded(terms.phases, range(1, total + 1), terms)}
            diary = diary.with_course(Course(fact.plan_id, terms, 1, sessions=sessions))
            plan_id = fact.plan_id
        case SessionLogged():
            plan_id, booked = _of(diary, fact.appointment_id or "")
            diary = diary.with_appointments(plan_id, [replace(booked, session_id=fact.session_id)])
        case AppointmentChangeRequested():
            plan_id, booked = _of(diary, fact.appointment_id)
            gone = replace(booked, state="noshow" if fact.change == "no-show" else "cancelled")
            diary = diary.with_appointments(plan_id, [gone])
        case _:
            raise TypeError(fact)
    diary = _with_next(diary, plan_id)
    return replace(schedule, busy=diary.busy, patients={**schedule.patients, fact.patient_id: diary.patient})


def offer_by_gain(world: World, time: OnOffer, patients: Iterable[str]) -> int:
    """Offer freed time to one after another of those who gain from it, by the product's rules."""
    asked, now, rules, slot = len(time.asked), world.now, OfferRules(), time.slot
    if asked == rules.at_most or not _is_free(world, slot):
        return 0
    sought = [each for each in patients if each != time.left_by and _sought(world.schedule.patients[each], slot)]
    found = [each for patient in sought for each in candidates(_diary(world, patient), slot)]
    while offer := next_offer(found, time.asked, slot, rules, now):
        time.asked.append(offer.candidate.patient_id)
        if world.chance(slot.start, slot.practitioner, offer.candidate.patient_id).random() < world.setting.accepted:
            _accept(world, offer.candidate)
            break
        now = offer.expires_at
    return len(time.asked) - asked


def _is_free(world: World, slot: Slot) -> bool:
    assert world.schedule.calendar
    spans = world.schedule.calendar.spans(slot.start, slot.end)
    return not any(mask & world.schedule.busy.on(slot.practitioner, day) for day, mask in spans)


def _of(diary: Diary, appointment_id: str) -> tuple[str, Appointment]:
    return next(
        (plan_id, course.appointments[appointment_id])
        for plan_id, course in diary.patient.courses.items()
        if appointment_id in course.appointments
    )


def _with_next(diary: Diary, plan_id: str) -> Diary:
    course = diary.course(plan_id)
    assert course.terms
    served = {a.sequence for a in course.appointments.values() if a.status in ("booked", "fulfilled")}
    session = next((s for number, s in sorted(course.sessions.items()) if number not in served), None)
    if session is None:
        return diary
    openings, held = diary.openings(course), [a for a in course.appointments.values() if a.status == "fulfilled"]
    main = main_practitioners(diary, course, held)[0]
    last = max((diary.calendar.day_of(a.start) for a in held), default=0)
    first = max(last + session.min_gap_days if held else course.terms.starts_on.toordinal(), diary.first_day)
    days = range(first, first + START_WITHIN_DAYS)
    extra = [uneven(day - last, session.spacing_days) if held else wait(day, first) for day in days]
    prices = list(map(add, openings.prices(days, main), extra))
    opening = openings.choice(days[prices.index(min(prices))], main)
    assert opening
    return diary.with_appointments(plan_id, [diary.placed(new_appointment(diary, course, session), opening, "")])


def _sought(patient: Patient, slot: Slot) -> bool:
    """Who has an appointment in the weeks after the slot, or a session without a time."""
    for course in patient.courses.values():
        later = any(
            a.status == "booked" and slot.start < a.start < slot.start + _SOUGHT for a in course.appointments.values()
        )
        if later or any(session.unplaced for session in course.sessions.values()):
            return True
    return False


def _diary(world: World, patient_id: str) -> Diary:
    assert world.schedule.calendar
    return Diary(world.schedule.calendar, world.schedule.busy, world.schedule.patients[patient_id], world.now)


def _accept(world: World, taken: Candidate) -> None:
    diary = _diary(world, taken.patient_id)
    course = diary.course(taken.plan_id)
    session = course.sessions[taken.sequence]
    known = (
        course.appointments[taken.appointment_id] if taken.appointment_id else new_appointment(diary, course, session)
    )
    there = replace(
        known, start=taken.slot.start, end=taken.slot.end, practitioner=taken.slot.practitioner, room=taken.slot.room
    )
    sessions = {**course.sessions, taken.sequence: replace(session, unplaced=None)}
    diary = diary.with_course(replace(course, sessions=sessions)).with_appointments(taken.plan_id, [there])
    patients = {**world.schedule.patients, taken.patient_id: diary.patient}
    world.take(taken.patient_id, replace(world.schedule, busy=diary.busy, patients=patients), asked=True)


class Policy(NamedTuple):
    """How a clinic books, and what it does with a slot that becomes free on the day before."""

    decide: Decide
    refill: Refill | None = None


POLICIES: Mapping[str, Policy] = {
    "stride": Policy(whole_course, offer_by_gain),
    "next_visit": Policy(next_visit),
    "next_visit_waitlist": Policy(next_visit, offer_by_gain),
    "whole_course": Policy(whole_course_all_firm),
    "whole_course_waitlist": Policy(whole_course_all_firm, offer_by_gain),
}
