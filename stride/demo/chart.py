"""What the simulated clinic knows of one patient: plan, appointments, and what it still has to record."""

from dataclasses import dataclass, field
from datetime import datetime

from shared.events.intake import PlanAdjusted, PlanCreated, PlanEnded
from shared.events.scheduling import AppointmentBooked, AppointmentFact, AppointmentMoved
from stride.demo.handing import Handing
from stride.demo.patients import Patient


@dataclass(slots=True)
class Chart:
    """One patient's chart. Facts may come in any order: the highest version of each thing holds."""

    patient: Patient
    plan: PlanCreated | None = None
    plan_version: int = 1
    discharged: bool = False
    ended: bool = False
    consulted: bool = False
    registered: bool = False
    appointments: dict[str, AppointmentFact] = field(default_factory=dict[str, AppointmentFact])
    expected: set[str] = field(default_factory=set[str])
    """Appointments that the patient has made up their mind about, and means to keep."""
    absent: set[str] = field(default_factory=set[str])
    """Those of them to which the patient then does not come."""
    settled: set[str] = field(default_factory=set[str])
    """Appointments that are over, or called off."""
    visits: int = 0
    held: int = 0
    occasions: int = 0
    to_record: list[Handing] = field(default_factory=list[Handing])

    def learn(self, fact: object) -> None:
        """Take in a fact about this patient from the topics."""
        if isinstance(fact, PlanCreated):
            self.plan = fact
        elif isinstance(fact, PlanAdjusted):
            self.plan_version = max(self.plan_version, fact.plan_version)
            self.discharged = self.discharged or not fact.phases
        elif isinstance(fact, PlanEnded):
            self.ended = True
        elif isinstance(fact, AppointmentFact):
            known = self.appointments.get(fact.appointment_id)
            if known is None or known.appointment_version < fact.appointment_version:
                self.appointments[fact.appointment_id] = fact

    def live(self) -> list[AppointmentFact]:
        """Appointments that stand and are not over, in order of time."""
        standing = (
            appointment
            for appointment in self.appointments.values()
            if isinstance(appointment, AppointmentBooked | AppointmentMoved)
        )
        open_ones = [appointment for appointment in standing if appointment.appointment_id not in self.settled]
        return sorted(open_ones, key=lambda appointment: (appointment.start, appointment.appointment_id))

    def over_since(self) -> datetime | None:
        """When the last session of the course ended; None while any is to come or to be recorded."""
        if not self.appointments or self.ended or self.live() or self.to_record:
            return None
        return max(appointment.end for appointment in self.appointments.values())

    def take_due(self, now: datetime) -> Handing | None:
        """The next record to hand in, if one is due: one at a time, in the order they were written."""
        due = [handing for handing in self.to_record if handing.due <= now]
        if not due:
            return None
        first = min(due, key=lambda handing: handing.due)
        self.to_record.remove(first)
        return first
