"""A clinic, its patients and their facts, for the tests of scheduling."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from services.scheduling.domain.calendar import WHOLE_CLINIC, ClinicCalendar, Resource, Rule
from services.scheduling.domain.course import Appointment, ClinicSchedule, Course, Patient
from services.scheduling.domain.diary import claims
from services.scheduling.domain.minutes import FULL
from services.scheduling.handlers import HANDLERS
from shared.events import intake, scheduling
from shared.events.base import Fact
from shared.events.clinical import Phase, PreferredTime

F = TypeVar("F", bound=Fact)

CLINIC = "riverside"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""A Monday; the clocks of London go forward on 29 March."""

INTENSIVE = Phase(name="intensive", sessions_per_week=3, weeks=2, min_gap_days=1, max_gap_days=4)
STEADY = Phase(name="steady", sessions_per_week=2, weeks=4, min_gap_days=2, max_gap_days=5)
WEEKLY = Phase(name="weekly", sessions_per_week=1, weeks=4, min_gap_days=5, max_gap_days=9)
COURSE = (INTENSIVE, STEADY, WEEKLY)
"""18 sessions over ten weeks."""


def week(start: int = 8, end: int = 18, days: Iterable[int] = range(5)) -> tuple[Rule, ...]:
    """Open from `start` to `end` o'clock on weekdays."""
    return tuple(Rule(day, time(start), time(end)) for day in days)


def practitioner(number: int, *skills: str, rules: tuple[Rule, ...] = ()) -> Resource:
    """Somebody who treats, by default with needles and on weekdays."""
    offers = frozenset(skills or ("acupuncture",))
    return Resource(number, "practitioner", f"pr-{number}", offers, rules or week())


def room(number: int, kind: str = "treatment", rules: tuple[Rule, ...] = ()) -> Resource:
    """A room, open on weekdays."""
    return Resource(number, "room", f"room-{number}", frozenset({kind}), rules or week())


def calendar(*resources: Resource, zone: str = "Europe/London", holidays: Iterable[date] = ()) -> ClinicCalendar:
    """Two practitioners and two rooms unless others are given."""
    everything = resources or (practitioner(1), practitioner(2), room(11), room(12))
    return ClinicCalendar(
        clinic_id=CLINIC,
        zone=ZoneInfo(zone),
        slot_minutes=15,
        buffer_minutes=10,
        horizon_days=400,
        resources={resource.id: resource for resource in everything},
        closed={WHOLE_CLINIC: {day.toordinal(): FULL for day in holidays}},
    )


def schedule(*patients: str, on: ClinicCalendar | None = None) -> ClinicSchedule:
    """An empty schedule with patients (by default one, `p1`)."""
    names = patients or ("p1",)
    known = {name: Patient(name, 1000 + number) for number, name in enumerate(names)}
    return ClinicSchedule(CLINIC, on or calendar(), patients=known)


def plan(
    patient: str = "p1",
    phases: Sequence[Phase] = COURSE,
    *,
    clinic: str = CLINIC,
    starts_on: date = date(2026, 3, 4),
    skill: str = "acupuncture",
    room_kind: str = "treatment",
    practitioner_id: str | None = None,
    preferred_times: Sequence[PreferredTime] = (),
    minutes: int = 45,
) -> intake.PlanCreated:
    """A patient's plan, `plan-<patient>`."""
    return intake.PlanCreated(
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
        session_minutes=minutes,
        skill=skill,
        room_kind=room_kind,
        practitioner_id=practitioner_id,
        preferred_times=tuple(preferred_times),
        measures=(),
        milestones=(),
    )


def adjusted(
    version: int, phases: Sequence[Phase], effective_on: date, patient: str = "p1", clinic: str = CLINIC
) -> intake.PlanAdjusted:
    """The patient's plan follows other phases from a day on."""
    return intake.PlanAdjusted(
        clinic_id=clinic,
        patient_id=patient,
        plan_id=f"plan-{patient}",
        plan_version=version,
        step=version - 1,
        phases=tuple(phases),
        effective_on=effective_on,
        approved_by="st-ada",
    )


def ended(at: datetime = NOW, patient: str = "p1", clinic: str = CLINIC) -> intake.PlanEnded:
    """The patient's plan is over."""
    return intake.PlanEnded(
        clinic_id=clinic, patient_id=patient, plan_id=f"plan-{patient}", reason="discharged", ended_at=at
    )


def change(
    appointment_id: str,
    what: str = "cancel",
    *,
    request: str = "",
    patient: str = "p1",
    clinic: str = CLINIC,
    rebook: bool = True,
    not_before: datetime | None = None,
    requested_at: datetime = NOW,
    **slot: Any,
) -> intake.AppointmentChangeRequested:
    """Somebody asks for a change of an appointment."""
    return intake.AppointmentChangeRequested.model_validate(
        {
            "clinic_id": clinic,
            "patient_id": patient,
            "request_id": request or f"{what}-{appointment_id}",
            "appointment_id": appointment_id,
            "change": what,
            "requested_at": requested_at,
            "rebook": rebook,
            "not_before": not_before,
            **slot,
        }
    )


def logged(
    session_id: str,
    started_at: datetime,
    *,
    appointment_id: str | None = None,
    plan_id: str | None = None,
    patient: str = "p1",
    clinic: str = CLINIC,
) -> intake.SessionLogged:
    """A session was held."""
    return intake.SessionLogged(
        clinic_id=clinic,
        patient_id=patient,
        session_id=session_id,
        plan_id=plan_id,
        appointment_id=appointment_id,
        started_at=started_at,
        minutes=45,
    )


def voided(session_id: str, patient: str = "p1", clinic: str = CLINIC) -> intake.SessionVoided:
    """A session was recorded in error."""
    return intake.SessionVoided(clinic_id=clinic, patient_id=patient, session_id=session_id, voided_at=NOW)


def tell(state: ClinicSchedule, *facts: Fact, now: datetime = NOW) -> tuple[ClinicSchedule, list[Fact]]:
    """Decide on facts one after another."""
    published: list[Fact] = []
    for fact in facts:
        decision = HANDLERS[type(fact)](state, fact, now)
        state = decision.state
        published += decision.facts
    return state, published


def course_of(state: ClinicSchedule, patient: str = "p1") -> Course:
    """The patient's course."""
    return state.patients[patient].courses[f"plan-{patient}"]


def live(state: ClinicSchedule, patient: str = "p1") -> list[Appointment]:
    """What of the patient's course is booked or was held, by start."""
    appointments = course_of(state, patient).appointments.values()
    return sorted((a for a in appointments if a.status in ("booked", "fulfilled")), key=lambda a: a.start)


def by_sequence(state: ClinicSchedule, patient: str = "p1") -> dict[int, Appointment]:
    """The live appointments by session."""
    return {appointment.sequence: appointment for appointment in live(state, patient)}


def net(state: ClinicSchedule, patient: str = "p1") -> list[tuple[object, ...]]:
    """The schedule as people see it, without how it came about."""
    return [(a.sequence, a.status, a.start, a.end, a.practitioner, a.room) for a in live(state, patient)]


def local_day(moment: datetime, zone: str = "Europe/London") -> date:
    """The clinic's day of an instant."""
    return moment.astimezone(ZoneInfo(zone)).date()


def gaps(appointments: Iterable[Appointment]) -> list[int]:
    """Days between appointments one after another."""
    days = [local_day(a.start) for a in appointments]
    return [(later - earlier).days for earlier, later in pairwise(days)]


def overlaps(state: ClinicSchedule) -> list[tuple[int, datetime]]:
    """Resources that two live claims take at once, by plain comparison of every pair in time order."""
    taken: dict[int, list[tuple[datetime, datetime]]] = {}
    for patient in state.patients.values():
        for course in patient.courses.values():
            for appointment in course.appointments.values():
                if appointment.claims:
                    for resource, start, end in claims(patient.resource, appointment):
                        taken.setdefault(resource, []).append((start, end))
    return [
        (resource, later[0])
        for resource, spans in taken.items()
        for earlier, later in pairwise(sorted(spans))
        if later[0] < earlier[1]
    ]


def claimed_minutes(state: ClinicSchedule) -> Mapping[int, int]:
    """How many minutes the live claims of each resource have together."""
    minutes: dict[int, int] = {}
    for patient in state.patients.values():
        for course in patient.courses.values():
            for appointment in course.appointments.values():
                if appointment.claims:
                    for resource, start, end in claims(patient.resource, appointment):
                        minutes[resource] = minutes.get(resource, 0) + (end - start) // timedelta(minutes=1)
    return minutes


def busy_minutes(state: ClinicSchedule) -> Mapping[int, int]:
    """How many minutes the calendar shows as taken, by resource."""
    counted = {resource: sum(mask.bit_count() for mask in days.values()) for resource, days in state.busy.masks.items()}
    return {resource: count for resource, count in counted.items() if count}


def incomplete(state: ClinicSchedule, patient: str = "p1") -> list[int]:
    """Sessions of a running course without live or past appointment, neither given up nor reported."""
    course = course_of(state, patient)
    served = {a.sequence for a in course.appointments.values() if a.status in ("booked", "fulfilled")}
    missing = (s for s in course.sessions.values() if not (s.sequence in served or s.given_up or s.unplaced))
    return [session.sequence for session in missing if course.ended_at is None]


def of_kind(facts: Iterable[Fact], kind: type[F]) -> list[F]:
    """Those facts that are of one kind."""
    return [fact for fact in facts if isinstance(fact, kind)]


def booked(facts: Iterable[Fact]) -> list[scheduling.AppointmentBooked]:
    """The bookings among facts."""
    return [fact for fact in facts if isinstance(fact, scheduling.AppointmentBooked)]


def taken_by_nobody(state: ClinicSchedule, resource: int, day: date) -> ClinicSchedule:
    """The same schedule with a resource taken all day."""
    start = datetime.combine(day, time(0), state.calendar.zone if state.calendar else None)
    assert state.calendar
    spans = state.calendar.spans(start, start + timedelta(hours=23))
    return replace(state, busy=state.busy.taking(resource, spans))
