"""A simulated patient's course as a record that progress can judge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.intake.domain.planning import plan_of
from services.progress.domain import keeping
from services.progress.domain.record import PatientRecord, Plan, Reading, Session
from shared.events.clinical import MeasureSpec, Phase
from shared.events.intake import ConsultationCompleted, PlanCreated
from shared.protocols import Protocol, Protocols

CLINIC, PATIENT = "trial", "patient"
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""The first session."""
BASELINE_SESSIONS = 2
"""A reading at the consultation and at the starts of the first two sessions make the baseline."""
BASELINE_READINGS = 1 + BASELINE_SESSIONS

MINUTES = 45
"""Of a session."""

_CONSULTATION = timedelta(days=-3.5)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Days of the sessions from the first on, and the sessions at whose start a measure is read.

    Session 0 is the consultation, half a week before the first.
    """

    days: tuple[float, ...]
    read_at: tuple[int, ...]

    def moment(self, session: int) -> datetime:
        """When a session starts."""
        return START + (timedelta(days=self.days[session - 1]) if session else _CONSULTATION)

    def session_at(self, moment: datetime) -> int:
        """The session that started last by that moment."""
        return sum(START + timedelta(days=day) <= moment for day in self.days)


def evenly(sessions: int, days_apart: float) -> Timeline:
    """So many sessions, the measure read at each."""
    return Timeline(tuple(days_apart * number for number in range(sessions)), tuple(range(sessions + 1)))


def planned(phases: Sequence[Phase], every_sessions: int) -> Timeline:
    """The sessions of `phases` evenly spread, the measure read for the baseline and then at every n-th."""
    days: list[float] = []
    start = 0
    for phase in phases:
        days += [start + 7 * phase.weeks * number / phase.sessions for number in range(phase.sessions)]
        start += 7 * phase.weeks
    later = (number for number in range(BASELINE_READINGS, len(days) + 1) if number % every_sessions == 0)
    return Timeline(tuple(days), (*range(BASELINE_READINGS), *later))


def plan_created(protocol: Protocol) -> PlanCreated:
    """The plan that intake makes of the protocol for nobody in particular."""
    consultation = ConsultationCompleted(
        clinic_id=CLINIC,
        patient_id=PATIENT,
        consultation_id="consultation",
        completed_at=START + _CONSULTATION,
        condition=protocol.conditions[0].code,
        starts_on=START.date(),
    )
    created = plan_of(Protocols({protocol.protocol_id: protocol}), consultation)
    assert isinstance(created, PlanCreated)
    return created


def as_kept(created: PlanCreated) -> Plan:
    """The plan as progress keeps it."""
    (plan,) = keeping.keep_plan(PatientRecord(created.clinic_id, created.patient_id), created).plans.values()
    return plan


def record_of(plan: Plan, spec: MeasureSpec, timeline: Timeline, taken: Sequence[float | None]) -> PatientRecord:
    """The record of one patient: all sessions held, and at each of `read_at` what was read, if it was."""
    read = zip(timeline.read_at, taken, strict=True)
    readings = [reading_of(plan, spec, timeline, at, value) for at, value in read if value is not None]
    return PatientRecord(
        CLINIC,
        PATIENT,
        plans={plan.plan_id: plan},
        sessions=_sessions(plan, timeline),
        readings={reading.measurement_id: reading for reading in readings},
    )


def _sessions(plan: Plan, timeline: Timeline) -> Mapping[str, Session]:
    starts = {f"s-{number:03}": timeline.moment(number) for number in range(1, len(timeline.days) + 1)}
    length = timedelta(minutes=MINUTES)
    return {name: Session(name, plan.plan_id, start, start + length) for name, start in starts.items()}


def reading_of(plan: Plan, spec: MeasureSpec, timeline: Timeline, session: int, value: float) -> Reading:
    """A reading at the start of a session."""
    name, moment = f"{spec.measure}-{session:03}", timeline.moment(session)
    rater = "rater" if spec.by_rater else None
    return Reading(name, 0, spec.measure, value, spec.unit, moment, None, None, rater, False, plan.plan_id, None)
