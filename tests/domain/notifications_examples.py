"""Facts for the tests of notifications: one patient of one clinic, a few courses."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.events.base import Fact
from shared.events.clinical import Phase
from shared.events.intake import Contact, PatientRegistered, PatientUpdated, PlanCreated, PlanEnded
from shared.events.progress import AdverseEventReported, Evidence, MilestoneReached, MilestoneRetracted
from shared.events.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentMoved,
    CourseUnschedulable,
    UnplacedSession,
    WaitlistOffered,
)

NOW = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
"""A Monday; 09:00 in London."""
FIRST = datetime(2026, 5, 18, 13, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Example:
    """Makes facts of one patient."""

    clinic_id: str = "riverside"
    patient_id: str = "p-1"
    plan_id: str = "plan-1"

    @property
    def who(self) -> dict[str, Any]:
        return {"clinic_id": self.clinic_id, "patient_id": self.patient_id}

    def contact(
        self, email: str | None = "ann@example.org", zone: str | None = None, phone: str | None = None
    ) -> Contact:
        return Contact(name="Ann Example", email=email, zone=zone, phone=phone)

    def registered(
        self, email: str | None = "ann@example.org", zone: str | None = None, phone: str | None = None
    ) -> PatientRegistered:
        return PatientRegistered(**self.who, contact=self.contact(email, zone, phone), recorded_at=NOW)

    def updated(self, revision: int, email: str | None, zone: str | None = None) -> PatientUpdated:
        return PatientUpdated(**self.who, contact=self.contact(email, zone), revision=revision, recorded_at=NOW)

    def _at(self, number: int, version: int, start: datetime) -> dict[str, Any]:
        return {
            **self.who,
            "appointment_id": f"{self.patient_id}-a{number}",
            "appointment_version": version,
            "plan_id": self.plan_id,
            "plan_version": 1,
            "sequence": number + 1,
            "start": start,
            "end": start + timedelta(minutes=45),
        }

    def booked(
        self, number: int = 0, *, size: int = 1, booking: str = "b1", start: datetime | None = None,
        replaces: str | None = None,
    ) -> AppointmentBooked:  # fmt: skip
        return AppointmentBooked(
            **self._at(number, 1, start or FIRST + timedelta(days=7 * number)),
            practitioner_id="pr-ada",
            room_id="room-1",
            booking_id=f"{self.patient_id}-{booking}",
            booking_size=size,
            replaces=replaces,
        )

    def course(self, size: int, booking: str = "b1") -> list[AppointmentBooked]:
        return [self.booked(number, size=size, booking=booking) for number in range(size)]

    def moved(self, number: int, version: int, start: datetime, reason: str = "requested") -> AppointmentMoved:
        fact = {"practitioner_id": "pr-ben", "room_id": "room-2", "previous_start": FIRST, "reason": reason}
        return AppointmentMoved.model_validate({**self._at(number, version, start), **fact})

    def cancelled(self, number: int, version: int = 2, reason: str = "requested") -> AppointmentCancelled:
        at = self._at(number, version, FIRST + timedelta(days=7 * number))
        return AppointmentCancelled.model_validate({**at, "reason": reason})

    def missed(self, number: int, version: int = 2) -> AppointmentMissed:
        return AppointmentMissed(**self._at(number, version, FIRST + timedelta(days=7 * number)))

    def plan(self) -> PlanCreated:
        phase = Phase(name="start", sessions_per_week=1, weeks=4, min_gap_days=1, max_gap_days=10)
        return PlanCreated(
            **self.who, plan_id=self.plan_id, consultation_id="c-1", protocol_id="p", protocol_version=1,
            condition="M21.371", starts_on=NOW.date(), phases=(phase,), ladder=(), session_minutes=45,
            skill="acupuncture", room_kind="treatment", measures=(), milestones=(),
        )  # fmt: skip

    def ended(self, reason: str = "completed", at: datetime = NOW) -> PlanEnded:
        return PlanEnded.model_validate({**self.who, "plan_id": self.plan_id, "reason": reason, "ended_at": at})

    def _milestone(self, occurrence: int) -> dict[str, Any]:
        return {**self.who, "plan_id": self.plan_id, "milestone": "pain-40", "rule_version": 1,
                "occurrence": occurrence, "title": "Pain down by 40 percent"}  # fmt: skip

    def reached(self, occurrence: int = 1) -> MilestoneReached:
        evidence = Evidence(rule_version=1, measure="nprs", baseline=6.5, values=(3.1, 3.4), probability=0.94)
        return MilestoneReached(**self._milestone(occurrence), reached_at=NOW, evidence=evidence)

    def retracted(self, occurrence: int = 1) -> MilestoneRetracted:
        before = Evidence(rule_version=1, measure="nprs", baseline=6.5)
        return MilestoneRetracted(**self._milestone(occurrence), cause="correction", before=before)

    def adverse(self, grade: int = 3) -> AdverseEventReported:
        return AdverseEventReported(
            **self.who, plan_id=self.plan_id, adverse_event_id=f"{self.patient_id}-ae", grade=grade,
            term="Syncope", occurred_at=NOW,
        )  # fmt: skip

    def unschedulable(self) -> CourseUnschedulable:
        gap = UnplacedSession(sequence=7, earliest=NOW, latest=FIRST, reason="no-room")
        return CourseUnschedulable(
            **self.who, plan_id=self.plan_id, plan_version=1, report_id=f"{self.patient_id}-r1", unplaced=(gap,)
        )

    def offered(self, number: int = 0, *, sooner: timedelta = timedelta(days=3)) -> WaitlistOffered:
        start = FIRST + timedelta(days=7 * number) - sooner
        return WaitlistOffered(
            **self.who, offer_id=f"hold:{self.patient_id}-{number}", plan_id=self.plan_id, sequence=number + 1,
            appointment_id=f"{self.patient_id}-a{number}", previous_start=start + sooner, start=start,
            end=start + timedelta(minutes=45), practitioner_id="pr-ben", room_id="room-2", offered_at=NOW,
            expires_at=NOW + timedelta(hours=4),
        )  # fmt: skip

    def everything(self) -> list[Fact]:
        """A whole course with all that can happen to it."""
        away = FIRST + timedelta(days=1)
        return [
            self.registered(None), self.updated(1, "ann@example.org", "Asia/Tokyo"),
            self.updated(2, "new@example.org", "America/Los_Angeles"), self.plan(), *self.course(4),
            self.moved(0, 2, away, "practitioner-away"), self.moved(0, 3, away + timedelta(hours=2)),
            self.offered(2), self.cancelled(1), self.booked(5, booking="b2", replaces=f"{self.patient_id}-a1"),
            self.missed(2), self.moved(3, 2, away + timedelta(days=30), "plan-adjusted"), self.cancelled(3, 3),
            self.reached(1), self.retracted(1), self.reached(2), self.adverse(), self.unschedulable(),
            self.ended(at=FIRST + timedelta(days=3)),
        ]  # fmt: skip
