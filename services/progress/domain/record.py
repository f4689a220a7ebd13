"""A patient's facts as progress keeps them: the same record whatever order they came in.

Every merge below is commutative and idempotent, so that arrival order and repeats leave no trace.
A record is a value: it is replaced, never changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from shared.events.clinical import ExpectedPoint, MeasureSpec, MilestoneRule, Side
from shared.events.progress import Evidence, RetractionCause


@dataclass(frozen=True, slots=True)
class Terms:
    """What a course runs by, fixed when its plan was created."""

    protocol_id: str
    protocol_version: int
    side: Side | None
    starts_on: date
    step: int
    rungs: tuple[str, ...]
    """Names of the taper ladder's steps, in order."""
    measures: tuple[MeasureSpec, ...]
    milestones: tuple[MilestoneRule, ...]
    review_sessions: tuple[int, ...] = (12, 18, 24)

    def with_curves(self, curves: "tuple[Curve, ...]") -> "Terms":
        """The terms with what clinicians expect of this patient in place of what the protocol does."""
        entered = {curve.milestone: curve.points for curve in curves}
        return replace(
            self,
            milestones=tuple(
                rule.model_copy(update={"expected": entered[rule.milestone]})
                if rule.expected_curve and rule.milestone in entered
                else rule
                for rule in self.milestones
            ),
        )

    def spec_of(self, measure: str) -> MeasureSpec | None:
        """How the course reads a measure; None where it does not follow it."""
        for spec in self.measures:
            if spec.measure == measure:
                return spec
        return None


class Adjustment(NamedTuple):
    """A clinician's change to a plan: from `effective_on` the course is at `step`."""

    version: int
    step: int
    effective_on: date


class Curve(NamedTuple):
    """What a clinician expects of a milestone's measure, at its highest known revision."""

    milestone: str
    revision: int
    points: tuple[ExpectedPoint, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan of care; `terms` are missing while only later facts about it have come."""

    plan_id: str
    terms: Terms | None = None
    adjustments: tuple[Adjustment, ...] = ()
    """By version, lowest first."""
    ended_at: datetime | None = None
    curves: tuple[Curve, ...] = ()
    """One for each milestone, by its name."""


class Session(NamedTuple):
    """A session that was held."""

    session_id: str
    plan_id: str | None
    started_at: datetime
    ended_at: datetime


class Reading(NamedTuple):
    """A reading at its highest known revision (0 is the original)."""

    measurement_id: str
    revision: int
    measure: str
    value: float
    unit: str
    effective_at: datetime
    side: str | None
    device: str | None
    rater: str | None
    enrolment: bool
    plan_id: str | None
    session_id: str | None


class AdverseEvent(NamedTuple):
    """An adverse event as one session record, or a report of its own (`session_id` empty), tells it."""

    adverse_event_id: str
    session_id: str
    grade: int
    occurred_at: datetime


class ProposalAnswer(NamedTuple):
    """What a clinician said to a proposal."""

    proposal_id: str
    decided_at: datetime
    approved: bool


class Subject(NamedTuple):
    """What a published fact was about: its kind, its plan and a name within both."""

    kind: str
    plan_id: str
    name: str


class Published(NamedTuple):
    """How what was published stands: its revision, occurrence or grade, and its evidence."""

    number: int
    standing: bool
    evidence: Evidence | None
    cause: RetractionCause | None = None
    """Why it was taken back, where it was."""


_NONE: Final[Mapping[Any, Any]] = MappingProxyType({})


class PatientRecord(NamedTuple):
    """All that progress knows of one patient, and what it has told the world."""

    clinic_id: str
    patient_id: str
    plans: Mapping[str, Plan] = _NONE
    sessions: Mapping[str, Session] = _NONE
    readings: Mapping[str, Reading] = _NONE
    adverse_events: Mapping[tuple[str, str], AdverseEvent] = _NONE
    answers: Mapping[str, ProposalAnswer] = _NONE
    voided_sessions: frozenset[str] = frozenset()
    voided_readings: frozenset[str] = frozenset()
    published: Mapping[Subject, Published] = _NONE

    @property
    def key(self) -> str:
        """The patient's key, as `Fact.key`."""
        return f"{self.clinic_id}/{self.patient_id}"
