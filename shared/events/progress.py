"""Facts owned by progress: baselines, milestones, signals and proposals."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.events.base import Code, Identifier, Moment, Part, PatientFact, Text
from shared.events.clinical import MilestoneRule, Side

RetractionCause = Literal["late", "correction", "void", "baseline_change"]


class Noise(Part):
    """What the noise of one reading was estimated from, on the measure's scale."""

    default: float
    """The measure's default sigma."""
    steps: int
    """How many steps between successive readings were known."""
    squares: float
    """The sum of half their squares, each capped (docs/progress.md)."""


class Evidence(Part):
    """Enough to recompute a verdict by hand, by the rules of docs/progress.md.

    Values are in `unit`; for a regression or plateau the earlier window stands where a milestone has
    its baseline. What was published by older releases lacks the later fields.
    """

    rule_version: Annotated[int, Field(ge=1)]
    measure: Code | None = None
    side: Side | None = None
    rater: Identifier | None = None
    """Who graded, where the measure is one that each rater grades for themselves."""
    baseline: float | None = None
    baseline_readings: tuple[Identifier, ...] = ()
    baseline_values: tuple[float, ...] = ()
    readings: tuple[Identifier, ...] = ()
    values: tuple[float, ...] = ()
    mean: float | None = None
    target: float | None = None
    """The level to reach; along an expected curve, the mean of `targets`."""
    targets: tuple[float, ...] = ()
    """What each of `values` had to reach, where the rule has an expected curve."""
    sigma: float | None = None
    probability: float | None = None
    sessions: int | None = None
    unit: Annotated[str, Field(max_length=32)] | None = None
    scale: Literal["linear", "log"] | None = None
    """On which means, noise and margins are taken: log for ratio measures."""
    better: Literal["lower", "higher"] | None = None
    mcid: float | None = None
    """The smallest change that matters: in `unit` where linear, as a fraction where log."""
    taken_at: tuple[Moment, ...] = ()
    """When `values` were taken."""
    noise: Noise | None = None
    rule: MilestoneRule | None = None
    """The milestone's rule, as the plan has it."""
    counted: tuple[Identifier, ...] = ()
    """The sessions that were counted, in time order."""
    begins_on: date | None = None
    """The first day of the rule's expected curve, where it has one."""


class CourseFact(PatientFact):
    """A fact about one course of care."""

    plan_id: Identifier


class BaselineSet(CourseFact):
    """The baseline of a measure is settled; a changed one comes with a higher revision."""

    NAME: ClassVar[str] = "baseline.set"
    measure: Code
    side: Side | None = None
    device: Identifier | None = None
    rater: Identifier | None = None
    value: float
    unit: str
    readings: tuple[Identifier, ...]
    revision: Annotated[int, Field(ge=1)] = 1

    @property
    def natural_key(self) -> str:
        series = f"{self.measure}/{self.side or '-'}/{self.device or '-'}{f'/{self.rater}' if self.rater else ''}"
        return f"{self.plan_id}/{series}/{self.revision}"


class MilestoneFact(CourseFact):
    """A milestone of one course under one version of its rule."""

    milestone: Code
    rule_version: Annotated[int, Field(ge=1)]
    occurrence: Annotated[int, Field(ge=1)] = 1
    """1 at first; one more each time it is reached again after a retraction."""

    @property
    def natural_key(self) -> str:
        return f"{self.plan_id}/{self.milestone}/{self.rule_version}/{self.occurrence}"


class MilestoneReached(MilestoneFact):
    """A milestone is really reached: the rule of the plan confirms it."""

    NAME: ClassVar[str] = "milestone.reached"
    title: Text = ""
    reached_at: Moment
    evidence: Evidence


class MilestoneRetracted(MilestoneFact):
    """A late, corrected or voided record took the milestone's ground away."""

    NAME: ClassVar[str] = "milestone.retracted"
    title: Text = ""
    cause: RetractionCause
    before: Evidence
    after: Evidence | None = None


class MilestoneNotEvaluable(MilestoneFact):
    """The milestone can't be judged for this course, and why."""

    NAME: ClassVar[str] = "milestone.not_evaluable"
    reason: Code


class RegressionDetected(CourseFact):
    """A measure got worse beyond noise and beyond its smallest important change."""

    NAME: ClassVar[str] = "regression.detected"
    measure: Code
    side: Side | None = None
    detected_at: Moment
    reading_id: Identifier
    evidence: Evidence

    @property
    def natural_key(self) -> str:
        return f"{self.plan_id}/{self.measure}/{self.reading_id}"


class PlateauSuspected(CourseFact):
    """At a review, the gain over the last sessions is smaller than what matters. A prompt only."""

    NAME: ClassVar[str] = "plateau.suspected"
    measure: Code
    review: Annotated[int, Field(ge=1)]
    evidence: Evidence

    @property
    def natural_key(self) -> str:
        return f"{self.plan_id}/{self.measure}/{self.review}"


class PlanReviewDue(CourseFact):
    """The course has stepped back twice: it is held where it is until a clinician has reviewed it."""

    NAME: ClassVar[str] = "plan.review.due"
    plan_version: Annotated[int, Field(ge=2)]
    """The version of the plan that stepped back."""
    steps_back: Annotated[int, Field(ge=2)]
    due_on: date

    @property
    def natural_key(self) -> str:
        return f"{self.plan_id}/{self.plan_version}"


class AdverseEventReported(PatientFact):
    """An adverse event that people must know of, as soon as it is known to Stride.

    Reported again when another record gives it a worse grade.
    """

    NAME: ClassVar[str] = "adverse_event.reported"
    plan_id: Identifier | None = None
    session_id: Identifier | None = None
    adverse_event_id: Identifier
    grade: Annotated[int, Field(ge=1, le=5)]
    term: Annotated[str, Field(max_length=200)]
    occurred_at: Moment

    @property
    def natural_key(self) -> str:
        return f"{self.adverse_event_id}/{self.grade}"


class PlanAdjustmentProposed(CourseFact):
    """The course may step down (or back up) the taper ladder; a clinician decides."""

    NAME: ClassVar[str] = "plan.adjustment.proposed"
    proposal_id: Identifier
    plan_version: Annotated[int, Field(ge=1)]
    """The version of the plan that the proposal is about."""
    from_step: Annotated[int, Field(ge=0)]
    to_step: Annotated[int, Field(ge=0)]
    proposed_at: Moment
    reason: Text
    evidence: Evidence

    @property
    def natural_key(self) -> str:
        return self.proposal_id
