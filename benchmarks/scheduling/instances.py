"""Made-up clinics with a past: practitioners with hours and skills, rooms, leave, taken times, and plans to book."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from services.scheduling.domain.busy import Busy
from services.scheduling.domain.calendar import WHOLE_CLINIC, ClinicCalendar, Resource, Rule
from services.scheduling.domain.course import ClinicSchedule, Patient
from services.scheduling.domain.minutes import FULL, minutes_between
from shared.events.clinical import Phase, PreferredTime, Weekday
from shared.events.intake import PlanCreated

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""A Monday; the clocks of London go forward four weeks later."""
CLINIC = "made-up"
MINUTES, BUFFER = 45, 10
FOOT_DROP = (
    Phase(name="intensive", sessions_per_week=3, weeks=2, min_gap_days=1, max_gap_days=4),
    Phase(name="steady", sessions_per_week=2, weeks=2, min_gap_days=2, max_gap_days=5),
    Phase(name="weekly", sessions_per_week=1, weeks=2, min_gap_days=5, max_gap_days=9),
)
"""Twelve sessions that taper over six weeks."""
_WEEKS_TAKEN, _TRIES = 12, 60
_SKILL, _KIND = "acupuncture", "treatment"
Masks = dict[int, dict[int, int]]


@dataclass(frozen=True, slots=True)
class Size:
    """How many practitioners and rooms, and which share of the practitioners' time is taken (0 to 1)."""

    practitioners: int
    rooms: int
    load: float


@dataclass(frozen=True, slots=True)
class Instance:
    """A clinic as it stands, and a plan to book into it."""

    schedule: ClinicSchedule
    plan: PlanCreated


def instance(seed: int, size: Size, phases: Sequence[Phase] = FOOT_DROP) -> Instance:
    """One made-up clinic and plan; the same for the same seed."""
    chance = Random(seed)
    calendar = _calendar(chance, size)
    patient = Patient("p1", 10_000)
    schedule = ClinicSchedule(CLINIC, calendar, _taken(chance, calendar, size, patient), {"p1": patient})
    return Instance(schedule, _plan(chance, calendar, phases))


def empty_clinic(chance: Random, size: Size, patients: Sequence[str]) -> ClinicSchedule:
    """A made-up clinic without appointments, and its patients."""
    known = {name: Patient(name, 10_000 + number) for number, name in enumerate(patients)}
    return ClinicSchedule(CLINIC, _calendar(chance, size), patients=known)


def _calendar(chance: Random, size: Size) -> ClinicCalendar:
    practitioners = [_practitioner(chance, number) for number in range(1, size.practitioners + 1)]
    rooms = [
        Resource(1_000 + number, "room", f"room-{number}", frozenset({_KIND}), _week(8, 18))
        for number in range(size.rooms)
    ]
    leave = {
        resource.id: {NOW.toordinal() + first + day: FULL for day in range(chance.randrange(1, 8))}
        for resource in practitioners
        if chance.random() < 0.4
        for first in [chance.randrange(5, 60)]
    }
    holidays = {day.toordinal(): FULL for day in (date(2026, 4, 3), date(2026, 4, 6))}
    return ClinicCalendar(
        clinic_id=CLINIC,
        zone=ZoneInfo("Europe/London"),
        slot_minutes=15,
        buffer_minutes=BUFFER,
        horizon_days=400,
        resources={resource.id: resource for resource in [*practitioners, *rooms]},
        closed={**leave, WHOLE_CLINIC: holidays},
    )


def _practitioner(chance: Random, number: int) -> Resource:
    days = [day for day in range(5) if chance.random() < 0.85] or [0, 2]
    start, end = chance.choice([(8, 13), (8, 18), (9, 17), (12, 18)])
    skills = frozenset({_SKILL} if number == 1 or chance.random() < 0.8 else {"physical-therapy"})
    return Resource(number, "practitioner", f"pr-{number}", skills, _week(start, end, days))


def _week(start: int, end: int, days: Sequence[int] = range(5)) -> tuple[Rule, ...]:
    return tuple(Rule(day, time(start), time(end)) for day in days)


def _taken(chance: Random, calendar: ClinicCalendar, size: Size, patient: Patient) -> Busy:
    """Appointments of others, laid at random where practitioner and room are both free, up to the load."""
    rooms = [resource.id for resource in calendar.resources.values() if resource.kind == "room"]
    masks: dict[int, dict[int, int]] = {resource: {} for resource in (*calendar.resources, patient.resource)}
    for day in range(NOW.toordinal(), NOW.toordinal() + 7 * _WEEKS_TAKEN):
        for who in set(calendar.resources) - set(rooms):
            opened = calendar.open_minutes(who, day)
            wanted = min(1.0, max(0.0, chance.gauss(size.load, 0.15))) * opened.bit_count()
            for _ in range(_TRIES):
                if masks[who].get(day, 0).bit_count() < wanted:
                    _take(masks, day, who, chance.choice(rooms), opened=opened, start=chance.randrange(32, 72) * 15)
        if chance.random() < 0.15:
            start = chance.randrange(8, 14) * 60
            masks[patient.resource][day] = minutes_between(start, start + 240)
    return Busy(masks)


def _take(masks: Masks, day: int, who: int, room: int, *, opened: int, start: int) -> None:
    """One appointment, if it fits."""
    during = minutes_between(start, start + MINUTES + BUFFER)
    both = masks[who].get(day, 0) | masks[room].get(day, 0)
    if during & opened == during and not during & both:
        for resource in (who, room):
            masks[resource][day] = masks[resource].get(day, 0) | during


def _plan(chance: Random, calendar: ClinicCalendar, phases: Sequence[Phase]) -> PlanCreated:
    named = [r.external_id for r in calendar.resources.values() if r.kind == "practitioner" and _SKILL in r.offers]
    return plan_of(
        "p1",
        starts_on=NOW.date() + timedelta(days=chance.randrange(1, 8)),
        phases=phases,
        practitioner_id=chance.choice(named) if chance.random() < 0.3 else None,
        preferred_times=_preferred(chance) if chance.random() < 0.5 else (),
    )


def _preferred(chance: Random) -> tuple[PreferredTime, ...]:
    start = chance.choice([8, 12, 15])
    days = chance.sample(list(Weekday)[:5], 3)
    return tuple(PreferredTime(weekday=day, start=time(start), end=time(start + 3)) for day in days)


def plan_of(
    patient: str,
    *,
    starts_on: date,
    phases: Sequence[Phase] = FOOT_DROP,
    clinic: str = CLINIC,
    practitioner_id: str | None = None,
    preferred_times: tuple[PreferredTime, ...] = (),
) -> PlanCreated:
    """A patient's plan, `plan-<patient>`."""
    return PlanCreated(
        clinic_id=clinic,
        patient_id=patient,
        plan_id=f"plan-{patient}",
        consultation_id=f"consultation-{patient}",
        protocol_id="foot-drop-acupuncture",
        protocol_version=1,
        condition="M21.371",
        starts_on=starts_on,
        phases=tuple(phases),
        ladder=(),
        session_minutes=MINUTES,
        skill=_SKILL,
        room_kind=_KIND,
        practitioner_id=practitioner_id,
        preferred_times=preferred_times,
        measures=(),
        milestones=(),
    )
