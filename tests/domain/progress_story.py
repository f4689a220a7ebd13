"""A patient's course, told in facts: day 0 is the first session; readings are pain on 0 to 10."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.progress.domain.patient import Patient
from services.progress.domain.record import PatientRecord
from services.progress.domain.verdicts import Verdicts, judge
from services.progress.handlers import HANDLERS
from shared.events.base import Fact
from shared.events.clinical import AdverseEvent, ExpectedPoint, MeasureSpec, MilestoneRule, Phase, Reading, Step
from shared.events.intake import (
    MeasurementCorrected,
    MeasurementRecorded,
    PlanAdjusted,
    PlanCreated,
    RecoveryExpected,
    SessionLogged,
)

DAY_0 = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
NOW = datetime(2027, 1, 1, tzinfo=UTC)
PLAN = "plan-1"

PAIN = MeasureSpec(measure="pain", unit="{score}", low=0, high=10, better="lower", scale="linear", sigma=1.0, mcid=2.0)
STRENGTH = MeasureSpec(measure="strength", unit="N", low=0, high=500, better="higher", scale="log", sigma=0.1, mcid=0.2)
MRC = MeasureSpec(
    measure="mrc", unit="1", low=0, high=5, better="higher", scale="linear", sigma=0.4, mcid=1, by_rater=True
)
PAIN_40 = MilestoneRule(
    milestone="pain-40", kind="confirmed-change", measure="pain", change=0.4, primary=True, title="Pain down by 40%"
)
STRENGTH_20 = MilestoneRule(milestone="strength-20", kind="confirmed-change", measure="strength", change=0.2)
GRADE_UP = MilestoneRule(milestone="mrc-up", kind="confirmed-change", measure="mrc", change=1, relative=False)
FASTER_25 = MilestoneRule(
    milestone="faster-25", kind="confirmed-change", measure="strength", change=0.25, expected_curve=True
)
SESSIONS_6 = MilestoneRule(milestone="sessions-6", kind="session-count", sessions=6)
SESSIONS_12 = MilestoneRule(milestone="sessions-12", kind="session-count", sessions=12)


def _rung(name: str, rate: float) -> Step:
    return Step(name=name, phases=(Phase(name=name, sessions_per_week=rate, weeks=4, min_gap_days=1, max_gap_days=14),))


LADDER = (_rung("twice-weekly", 2), _rung("weekly", 1), Step(name="discharge", phases=()))


def at(day: float) -> datetime:
    """The moment `day` days after the first session."""
    return DAY_0 + timedelta(days=day)


@dataclass(frozen=True)
class Story:
    """Makes the facts of one patient."""

    clinic_id: str = "clinic"
    patient_id: str = "patient"

    def plan(self, plan_id: str = PLAN, **changes: Any) -> PlanCreated:
        """A plan of care with pain and strength, four milestones and a ladder of three rungs."""
        fields: dict[str, Any] = {
            "plan_id": plan_id,
            "consultation_id": "consultation-1",
            "protocol_id": "foot-drop",
            "protocol_version": 1,
            "condition": "M21.371",
            "starts_on": DAY_0.date(),
            "phases": LADDER[0].phases,
            "ladder": LADDER,
            "session_minutes": 45,
            "skill": "acupuncture",
            "room_kind": "treatment",
            "measures": (PAIN, STRENGTH),
            "milestones": (SESSIONS_6, SESSIONS_12, PAIN_40, STRENGTH_20),
        }
        return self.fact(PlanCreated, **{**fields, **changes})

    def session(
        self,
        number: int,
        *pain: float,
        day: float | None = None,
        plan_id: str | None = PLAN,
        adverse_events: Sequence[AdverseEvent] = (),
    ) -> SessionLogged:
        """The n-th session (from 1), three days after the one before, with readings at its start."""
        moment = at((number - 1) * 3 if day is None else day)
        readings = tuple(
            reading(f"m-{number}-{index}", value, moment + timedelta(minutes=index)) for index, value in enumerate(pain)
        )
        return self.fact(
            SessionLogged,
            session_id=f"s-{number}",
            plan_id=plan_id,
            started_at=moment,
            minutes=45,
            readings=readings,
            adverse_events=tuple(adverse_events),
        )

    def course(self, values: Iterable[float], first: int = 1) -> list[Fact]:
        """Sessions from `first` on, each with one reading."""
        return [self.session(number, value) for number, value in enumerate(values, start=first)]

    def baseline(self, *values: float) -> list[Fact]:
        """Readings on the days before the first session."""
        return [self.taken(f"b-{index}", value, index - len(values)) for index, value in enumerate(values)]

    def taken(self, measurement_id: str, value: float, day: float, plan_id: str | None = PLAN) -> MeasurementRecorded:
        """A reading outside a session."""
        return self.fact(MeasurementRecorded, plan_id=plan_id, reading=reading(measurement_id, value, at(day)))

    def corrected(self, measurement_id: str, value: float, day: float, revision: int = 1) -> MeasurementCorrected:
        """A correction of a reading."""
        return self.fact(MeasurementCorrected, revision=revision, reading=reading(measurement_id, value, at(day)))

    def adjusted(self, version: int, step: int, day: int) -> PlanAdjusted:
        """A new version of the plan, from `day` on."""
        return self.fact(
            PlanAdjusted,
            plan_id=PLAN,
            plan_version=version,
            step=step,
            phases=LADDER[step].phases,
            effective_on=at(day).date(),
            approved_by="dr-1",
        )

    def expected(
        self, *points: tuple[float, float], revision: int = 1, milestone: str = "faster-25"
    ) -> RecoveryExpected:
        """A clinician's expected curve: weeks, and the change by then."""
        return self.fact(
            RecoveryExpected,
            plan_id=PLAN,
            milestone=milestone,
            revision=revision,
            curve=[ExpectedPoint(week=week, change=change) for week, change in points],
            entered_by="dr-1",
            entered_at=at(0),
        )

    def fact(self, kind: type[Fact], **fields: Any) -> Any:
        """Any fact of this patient."""
        return kind.model_validate({"clinic_id": self.clinic_id, "patient_id": self.patient_id, **fields})

    @property
    def patient(self) -> Patient:
        """The patient before anything is known."""
        return Patient(PatientRecord(self.clinic_id, self.patient_id))


def reading(measurement_id: str, value: float, moment: datetime, **changes: Any) -> Reading:
    """A pain reading."""
    fields = {"measure": "pain", "unit": "{score}", **changes}
    return Reading.model_validate({"measurement_id": measurement_id, "value": value, "effective_at": moment, **fields})


def adverse_event(adverse_event_id: str, grade: int, day: float) -> AdverseEvent:
    """An adverse event of some grade."""
    return AdverseEvent(adverse_event_id=adverse_event_id, grade=grade, term="bruise", occurred_at=at(day))


def apply(patient: Patient, facts: Iterable[Fact]) -> tuple[Patient, list[Fact]]:
    """Decide on one fact after the other; returns the last state and everything published."""
    published: list[Fact] = []
    for fact in facts:
        decision = HANDLERS[type(fact)](patient, fact, NOW)
        patient = decision.state
        published += decision.facts
    return patient, published


def tell(facts: Iterable[Fact]) -> tuple[Patient, list[Fact]]:
    """Apply the facts of one patient from the start."""
    return apply(Story().patient, facts)


def published_of(kind: type[Any], facts: Iterable[Fact]) -> list[Any]:
    """The published facts of one kind."""
    return [fact for fact in facts if isinstance(fact, kind)]


def verdicts_on(patient: Patient, plan_id: str = PLAN) -> Verdicts:
    """The verdicts on one course, judged from the start."""
    (verdicts,) = (verdicts for verdicts in judge(patient.record) if verdicts.course.plan_id == plan_id)
    return verdicts
