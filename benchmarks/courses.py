"""What scheduling and notifications are measured with: plans to book, and what happens to appointments."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random

from benchmarks.records import Record, as_record
from benchmarks.workload import FIRST_DAY, Work, in_turns, patient_id, plan
from shared.events.base import Fact
from shared.events.clinical import Side
from shared.events.intake import Contact, PatientRegistered, PlanEnded
from shared.events.progress import Evidence, MilestoneReached, RegressionDetected
from shared.events.scheduling import AppointmentBooked, AppointmentCancelled, AppointmentMoved

_PER_CLINIC = 20
"""Courses that a clinic with three rooms has beginning at once."""
_TURNOVER_CLINICS = 3
_BOOKED = 6
"""Appointments that are booked together."""
_TURNS, _OUTCOMES_FROM = 10, 8


def scheduling(seed: int, run: str, events: int) -> Work:
    """Plans that become booked courses of some 18 sessions, twenty in each clinic."""
    starts = (FIRST_DAY + timedelta(days=7)).date()
    clinics = [f"bench-{run}-{number}" for number in range(-(-events // _PER_CLINIC))]
    plans = [plan(clinics[number // _PER_CLINIC], number, starts) for number in range(events)]
    Random(seed).shuffle(plans)
    warm = f"warm-{run}"
    return Work(
        before=[as_record(plan(warm, number, starts), "intake") for number in range(_PER_CLINIC)],
        measured=[as_record(fact, "intake") for fact in plans],
        now=FIRST_DAY,
        clinics=(*clinics, warm),
    )


def turnover(number: int) -> tuple[list[str], list[list[Record]]]:
    """The same few clinics again and again: courses of new patients are booked, then ended before they begin."""
    clinics = [f"bench-turnover-{count}" for count in range(_TURNOVER_CLINICS)]
    starts = (FIRST_DAY + timedelta(days=7)).date()
    plans = [plan(clinic, number * _PER_CLINIC + count, starts) for clinic in clinics for count in range(_PER_CLINIC)]
    ended = [
        PlanEnded(
            clinic_id=made.clinic_id,
            patient_id=made.patient_id,
            plan_id=made.plan_id,
            reason="withdrawn",
            ended_at=FIRST_DAY,
        )
        for made in plans
    ]
    return clinics, [[as_record(fact, "intake") for fact in facts] for facts in (plans, ended)]


def notifications(seed: int, run: str, events: int) -> Work:
    """Ten events a patient: six appointments booked together, one moved, one cancelled; a setback; a milestone."""
    clinic, warm = f"bench-{run}", f"warm-{run}"
    patients = max(1, events // _TURNS)
    return Work(
        before=[
            *(as_record(fact, "intake") for number in range(50) for fact in _known(warm, number)),
            *(as_record(fact, "scheduling") for fact in _news(Random(seed), warm, 50, min(events, 500))),
            *(as_record(fact, "intake") for number in range(patients) for fact in _known(clinic, number)),
        ],
        measured=[as_record(fact, "scheduling") for fact in _news(Random(seed), clinic, patients, events)],
        now=FIRST_DAY,
        clinics=(clinic, warm),
    )


def _known(clinic: str, number: int) -> Iterator[Fact]:
    contact = Contact(name=f"Patient {number}", email=f"p{number}@example.org", zone="Europe/London")
    yield PatientRegistered(
        clinic_id=clinic, patient_id=patient_id(number), contact=contact, recorded_at=FIRST_DAY - timedelta(days=9)
    )
    yield plan(clinic, number)


def _news(chance: Random, clinic: str, patients: int, events: int) -> Iterator[Fact]:
    plans = [plan(clinic, number).plan_id for number in range(patients)]
    for turn, number in in_turns(chance, patients, events):
        tell = _visit if turn < _OUTCOMES_FROM else _course
        yield tell(clinic, number, plans[number], turn)


def _visit(clinic: str, number: int, plan_id: str, turn: int) -> Fact:
    sequence = turn + 1 if turn < _BOOKED else turn - 3
    start = FIRST_DAY + timedelta(days=7 + 3 * sequence, minutes=15 * (number % 32))
    told = {
        "clinic_id": clinic,
        "patient_id": patient_id(number),
        "appointment_id": f"appointment-{number:07}-{sequence}",
        "appointment_version": 1 if turn < _BOOKED else 2,
        "plan_id": plan_id,
        "plan_version": 1,
        "sequence": sequence,
        "start": start,
        "end": start + timedelta(minutes=45),
    }
    place = {"practitioner_id": "pr-ada", "room_id": "room-1"}
    if turn < _BOOKED:
        booking = {"booking_id": f"booking-{number:07}", "booking_size": _BOOKED}
        return AppointmentBooked.model_validate({**told, **place, **booking})
    if turn == _BOOKED:
        moved = {"start": start + timedelta(hours=2), "end": start + timedelta(hours=3), "previous_start": start}
        return AppointmentMoved.model_validate({**told, **place, **moved, "reason": "requested"})
    return AppointmentCancelled.model_validate({**told, "reason": "requested"})


def _course(clinic: str, number: int, plan_id: str, turn: int) -> Fact:
    at = FIRST_DAY - timedelta(hours=1)
    whose = {"clinic_id": clinic, "patient_id": patient_id(number), "plan_id": plan_id}
    values = (7.0, 6.0, 4.0, 4.0)
    evidence = Evidence(rule_version=1, measure="pain-nrs", baseline=7.0, values=values, mean=4.7, target=4.2)
    if turn % 2:
        reached = {"milestone": "pain-40", "rule_version": 1, "title": "Pain down by 40%", "reached_at": at}
        return MilestoneReached.model_validate({**whose, **reached, "evidence": evidence})
    worse = {"measure": "pain-nrs", "side": Side.RIGHT, "detected_at": at, "reading_id": f"pain-{number:07}"}
    return RegressionDetected.model_validate({**whose, **worse, "evidence": evidence})
