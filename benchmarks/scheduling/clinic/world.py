"""The simulated clinic's days: plans come, sessions are held or missed, people cancel; the policy decides."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from random import Random

from benchmarks.scheduling.clinic.setting import OPENS, WEEK, Setting, calendar, plans
from services.scheduling.domain.course import Appointment, ClinicSchedule, Course, Patient
from services.scheduling.domain.freed import Freed, freed
from services.scheduling.domain.slots import Slot
from shared.events.base import PatientFact
from shared.events.intake import AppointmentChangeRequested, PlanCreated, SessionLogged

Decide = Callable[[ClinicSchedule, PatientFact, datetime], ClinicSchedule]
"""A policy of booking: what the clinic does on a fact."""
Refill = Callable[["World", "OnOffer", Iterable[str]], int]
"""What it does with freed time and these patients; how many offers it made."""
_PATIENTS = 1000


@dataclass(slots=True)
class Cancelled:
    """A cancelled slot, and which share of it somebody else has at its begin."""

    slot: Slot
    refilled: float = 0.0


@dataclass(slots=True)
class OnOffer:
    """Time that a decision has set free, whoever left it, and who was asked."""

    slot: Slot
    left_by: str
    asked: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class World:
    """One run."""

    setting: Setting
    seed: int
    decide: Decide
    refill: Refill | None
    schedule: ClinicSchedule = field(default_factory=lambda: ClinicSchedule("simulated", calendar()))
    now: datetime = OPENS
    came: dict[str, datetime] = field(default_factory=dict[str, datetime])
    """By patient."""
    held: list[tuple[str, Appointment]] = field(default_factory=list[tuple[str, Appointment]])
    moved: int = 0
    """Appointments that were moved without anybody's asking."""
    freed: list[Cancelled] = field(default_factory=list[Cancelled])
    offers: int = 0
    """Of all time that became free, not only of what was cancelled."""
    _free: list[OnOffer] = field(default_factory=list[OnOffer])
    _coming: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)

    def run(self) -> "World":
        """Live through all weeks."""
        for at, plan in plans(self.setting, self.seed):
            self._later(at, lambda plan=plan: self._arrive(plan))
        end = OPENS + WEEK * self.setting.weeks
        while self._coming and self._coming[0][0] < end:
            self.now, _, happen = heappop(self._coming)
            happen()
        return self

    def take(self, patient_id: str, changed: ClinicSchedule, *, asked: bool = False) -> None:
        """Go on with a changed schedule; what is booked anew or elsewhere will be held, missed or cancelled."""
        schedule, before = self.schedule, self.schedule.patients[patient_id]
        self.schedule = changed
        for plan_id, course in changed.patients[patient_id].courses.items():
            known = before.courses.get(plan_id) or Course(plan_id)
            for appointment in course.appointments.values():
                old = known.appointments.get(appointment.appointment_id)
                if appointment.status == "booked" and (old is None or old.start != appointment.start):
                    self.moved += bool(old) and not asked and self.measured(self.now)
                    self._expect(patient_id, plan_id, appointment)
        if self.refill:
            self._offer(patient_id, freed(schedule, changed, self.now))

    def _offer(self, patient_id: str, times: Sequence[Freed]) -> None:
        """As the product does: what became free to everybody, what was free already to who has just changed."""
        new = [OnOffer(Slot(each.start, each.end, each.practitioner, each.room or 0), patient_id) for each in times]
        known = [each for each in self._free if each.slot.start > self.now]
        self._free = [*known, *new]
        for each in known:
            self._ask(each, [patient_id])
        for each in new:
            self._ask(each, self.schedule.patients)

    def _ask(self, time: OnOffer, patients: Iterable[str]) -> None:
        if self.refill:
            made = self.refill(self, time, patients)
            self.offers += made if self.measured(self.now) else 0

    def chance(self, *about: object) -> Random:
        """The same for the same things, whatever the policy."""
        return Random(f"{self.seed} {about}")

    def _later(self, at: datetime, happen: Callable[[], None]) -> None:
        heappush(self._coming, (at, next(self._order), happen))

    def _arrive(self, plan: PlanCreated) -> None:
        patient = Patient(plan.patient_id, _PATIENTS + len(self.came))
        self.came[plan.patient_id] = self.now
        self.schedule = replace(self.schedule, patients={**self.schedule.patients, plan.patient_id: patient})
        self._tell(plan.patient_id, plan)

    def _tell(self, patient_id: str, fact: PatientFact) -> None:
        self.take(patient_id, self.decide(self.schedule, fact, self.now))

    def _expect(self, patient_id: str, plan_id: str, booked: Appointment) -> None:
        chance = self.chance(booked.appointment_id)
        cancelled, hour, missed = chance.random(), chance.uniform(8, 18), chance.random()
        at = _working_day_before(booked.start) + timedelta(hours=hour)
        if cancelled < self.setting.cancelled and at > self.now:
            self._later(at, lambda: self._if_still(patient_id, plan_id, booked, self._cancel))
        happen = self._miss if missed < self.setting.missed else self._hold
        self._later(booked.end, lambda: self._if_still(patient_id, plan_id, booked, happen))

    def _if_still(
        self, patient_id: str, plan_id: str, booked: Appointment, happen: Callable[[str, Appointment], None]
    ) -> None:
        now = self.schedule.patients[patient_id].courses[plan_id].appointments[booked.appointment_id]
        if now.status == "booked" and now.start == booked.start:
            happen(patient_id, now)

    def _hold(self, patient_id: str, booked: Appointment) -> None:
        self.held.append((patient_id, booked))
        self._tell(
            patient_id,
            SessionLogged(
                clinic_id=self.schedule.clinic_id,
                patient_id=patient_id,
                session_id=f"held-{booked.appointment_id}",
                plan_id=None,
                appointment_id=booked.appointment_id,
                started_at=booked.start,
                minutes=(booked.end - booked.start) // timedelta(minutes=1),
            ),
        )

    def _miss(self, patient_id: str, booked: Appointment) -> None:
        self._tell(patient_id, self._change(patient_id, booked, "no-show"))

    def _cancel(self, patient_id: str, booked: Appointment) -> None:
        self._tell(patient_id, self._change(patient_id, booked, "cancel"))
        gone = Cancelled(Slot(booked.start, booked.end, booked.practitioner, booked.room))
        if self.measured(booked.start):
            self.freed.append(gone)
            self._later(booked.start, lambda: self._look(gone))

    def _look(self, gone: Cancelled) -> None:
        assert self.schedule.calendar
        spans = list(self.schedule.calendar.spans(gone.slot.start, gone.slot.end))
        taken = sum((mask & self.schedule.busy.on(gone.slot.practitioner, day)).bit_count() for day, mask in spans)
        gone.refilled = taken / sum(mask.bit_count() for _, mask in spans)

    def _change(self, patient_id: str, booked: Appointment, what: str) -> AppointmentChangeRequested:
        return AppointmentChangeRequested.model_validate(
            {
                "clinic_id": self.schedule.clinic_id,
                "patient_id": patient_id,
                "request_id": f"{what}-{booked.appointment_id}",
                "appointment_id": booked.appointment_id,
                "change": what,
                "requested_at": self.now,
            }
        )

    def measured(self, at: datetime) -> bool:
        """After the warm-up."""
        return at >= OPENS + WEEK * self.setting.warm_up


def _working_day_before(start: datetime) -> datetime:
    days = 3 if start.weekday() == 0 else 1
    return datetime(start.year, start.month, start.day, tzinfo=start.tzinfo) - timedelta(days=days)
