"""A patient's courses of care, folded from the facts: only what counts, at its newest."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from services.console.domain.records import Records, of_kind, records_of
from shared.events.base import Fact
from shared.events.clinical import MeasureSpec, MilestoneRule, Reading
from shared.events.console import ProposalDecision
from shared.events.intake import PlanAdjusted, PlanCreated, PlanEnded, RecoveryExpected, SessionLogged
from shared.events.progress import (
    BaselineSet,
    MilestoneNotEvaluable,
    MilestoneReached,
    MilestoneRetracted,
    PlanAdjustmentProposed,
    PlanReviewDue,
    PlateauSuspected,
    RegressionDetected,
)
from shared.events.scheduling import AppointmentFact


class Course(NamedTuple):
    """One course of care. Sessions and readings come in time order, without voided ones."""

    plan: PlanCreated
    adjustments: tuple[PlanAdjusted, ...]
    """By version."""
    ended: PlanEnded | None
    sessions: tuple[SessionLogged, ...]
    readings: tuple[Reading, ...]
    baselines: tuple[BaselineSet, ...]
    """The newest of each series."""
    milestones: tuple[MilestoneReached, ...]
    """Those that stand."""
    not_evaluable: tuple[MilestoneNotEvaluable, ...]
    expected: frozenset[str]
    """Milestones of which a clinician has said what to expect."""
    retracted: tuple[MilestoneRetracted, ...]
    """The latest of each milestone that does not stand again."""
    regressions: tuple[RegressionDetected, ...]
    plateaus: tuple[PlateauSuspected, ...]
    proposals: tuple[PlanAdjustmentProposed, ...]
    """In the order in which they were made."""
    decisions: Mapping[str, ProposalDecision]
    """By proposal."""
    reviews: tuple[PlanReviewDue, ...]
    appointments: tuple[AppointmentFact, ...]
    """At their newest version, by start."""

    @property
    def version(self) -> int:
        """Of the plan, as it stands."""
        return self.adjustments[-1].plan_version if self.adjustments else 1

    @property
    def step(self) -> int:
        """The rung of the taper ladder that the course is at; 0 is the most care."""
        return self.adjustments[-1].step if self.adjustments else self.plan.step

    def still_not_evaluable(self) -> Iterator[MilestoneNotEvaluable]:
        """Without those that could not be judged for want of a curve that a clinician has entered since."""
        for one in self.not_evaluable:
            if one.reason != "no-expected-curve" or one.milestone not in self.expected:
                yield one

    @property
    def open_proposal(self) -> PlanAdjustmentProposed | None:
        """What waits for a clinician's decision; none once the plan went on or is over."""
        waiting = [
            one for one in self.proposals if one.plan_version == self.version and one.proposal_id not in self.decisions
        ]
        return waiting[-1] if waiting and self.ended is None else None


def courses_of(facts: Iterable[Fact], records: Records | None = None) -> list[Course]:
    """The courses whose plan is known, by plan id; `records` are those of the same facts, where at hand."""
    known = sorted(facts, key=lambda fact: fact.event_id)
    records = records or records_of(known)
    return [_course(plan, known, records) for plan in records.plans]


def same_series(reading: Reading, baseline: BaselineSet) -> bool:
    """Whether a reading belongs to the series of a baseline: by measure, side, device, and the rater of gradings."""
    return (reading.measure, reading.side, reading.device) == (baseline.measure, baseline.side, baseline.device) and (
        baseline.rater in {None, reading.rater}
    )


def _course(plan: PlanCreated, facts: Sequence[Fact], records: Records) -> Course:
    plan_id = plan.plan_id
    mine = [fact for fact in facts if getattr(fact, "plan_id", None) == plan_id]
    return Course(
        plan=plan,
        adjustments=tuple(sorted(of_kind(mine, PlanAdjusted), key=lambda fact: fact.plan_version)),
        ended=records.ends.get(plan_id),
        sessions=tuple(one.session for one in records.sessions if one.plan_id == plan_id and not one.voided),
        readings=tuple(one.reading for one in records.readings if one.plan_id == plan_id and one.state != "voided"),
        baselines=_baselines(mine),
        milestones=_standing(mine),
        not_evaluable=tuple(of_kind(mine, MilestoneNotEvaluable)),
        expected=frozenset(fact.milestone for fact in of_kind(mine, RecoveryExpected)),
        retracted=_retracted(mine),
        regressions=tuple(
            sorted(of_kind(mine, RegressionDetected), key=lambda fact: (fact.detected_at, fact.natural_key))
        ),
        plateaus=tuple(sorted(of_kind(mine, PlateauSuspected), key=lambda fact: (fact.review, fact.measure))),
        proposals=tuple(
            sorted(of_kind(mine, PlanAdjustmentProposed), key=lambda fact: (fact.proposed_at, fact.proposal_id))
        ),
        decisions={fact.proposal_id: fact for fact in of_kind(mine, ProposalDecision)},
        reviews=tuple(sorted(of_kind(mine, PlanReviewDue), key=lambda fact: fact.plan_version)),
        appointments=_appointments(mine),
    )


def _baselines(facts: Sequence[Fact]) -> tuple[BaselineSet, ...]:
    newest: dict[str, BaselineSet] = {}
    for fact in of_kind(facts, BaselineSet):
        name = fact.natural_key.rpartition("/")[0]
        if name not in newest or fact.revision > newest[name].revision:
            newest[name] = fact
    return tuple(newest[name] for name in sorted(newest))


def _standing(facts: Sequence[Fact]) -> tuple[MilestoneReached, ...]:
    """Milestones whose latest occurrence was not taken back."""
    retracted = {fact.natural_key for fact in of_kind(facts, MilestoneRetracted)}
    standing = [fact for fact in of_kind(facts, MilestoneReached) if fact.natural_key not in retracted]
    return tuple(sorted(standing, key=lambda fact: (fact.reached_at, fact.natural_key)))


def _retracted(facts: Sequence[Fact]) -> tuple[MilestoneRetracted, ...]:
    """A milestone that was reached once more after it stands, or has been taken back once more."""
    latest: dict[str, int] = {}
    for fact in of_kind(facts, MilestoneReached):
        latest[fact.milestone] = max(fact.occurrence, latest.get(fact.milestone, 0))
    gone = [f for f in of_kind(facts, MilestoneRetracted) if f.occurrence >= latest.get(f.milestone, 0)]
    return tuple(sorted(gone, key=lambda fact: fact.natural_key))


def counts(spec: MeasureSpec, reading: Reading) -> bool:
    """Whether a reading of the measure counts: by unit and range, and not the enrolment's."""
    return not reading.enrolment and reading.unit == spec.unit and spec.low <= reading.value <= spec.high


def target_level(course: Course, rule: MilestoneRule, spec: MeasureSpec) -> float | None:
    """Where a milestone's target lies, in the measure's unit, once a baseline says so; None where it moves."""
    baseline = next((one.value for one in course.baselines if one.measure == spec.measure), None)
    if baseline is None or rule.change is None or rule.expected_curve:
        return None
    change = rule.change if spec.better == "higher" else -rule.change
    return baseline * (1 + change) if rule.relative else baseline + change


def _appointments(facts: Sequence[Fact]) -> tuple[AppointmentFact, ...]:
    newest: dict[str, AppointmentFact] = {}
    for fact in facts:
        if isinstance(fact, AppointmentFact):
            known = newest.get(fact.appointment_id)
            if known is None or fact.appointment_version > known.appointment_version:
                newest[fact.appointment_id] = fact
    return tuple(sorted(newest.values(), key=lambda fact: (fact.start, fact.appointment_id)))
