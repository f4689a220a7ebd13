"""Milestones along an expected curve: judged with it, not evaluable without, taken back with it."""

from math import exp, log

import pytest

from services.progress.domain.patient import Patient
from shared.events.base import Fact
from shared.events.intake import MeasurementRecorded
from shared.events.progress import MilestoneNotEvaluable, MilestoneReached, MilestoneRetracted
from shared.explaining import explain_not_evaluable, explain_reached
from tests.domain.progress_story import FASTER_25, PLAN, Story, at, published_of, reading, tell, verdicts_on

STORY = Story()
CURVE = STORY.expected((10, 1.0))
"""Twice the strength of before treatment after ten weeks: on a log scale a straight line."""


def strength(day: float, value: float) -> Fact:
    taken = reading(f"k-{day}", value, at(day), measure="strength", unit="N")
    return STORY.fact(MeasurementRecorded, plan_id=PLAN, reading=taken)


def course(pace: float, *, days: tuple[float, ...] = (35, 42, 49)) -> list[Fact]:
    """Whoever recovers at `pace` times the expected, from 100 N; day 0 is nine hours into the curve's first day."""
    before = [strength(day, 100) for day in (-3, -2, -1)]
    sessions: list[Fact] = [STORY.session(1), STORY.session(2)]
    return [*before, *sessions, *(strength(day, 100 * exp(log(2) * pace * (day + 0.375) / 70)) for day in days)]


def told(*facts: Fact) -> tuple[Patient, list[Fact]]:
    return tell([STORY.plan(milestones=(FASTER_25,)), *facts])


def test_without_a_curve_it_is_told_as_not_evaluable_and_with_one_it_is_judged() -> None:
    patient, facts = told(*course(2))
    assert [fact.reason for fact in published_of(MilestoneNotEvaluable, facts)] == ["no-expected-curve"]
    assert verdicts_on(patient).milestones[0].state == "not-evaluable"
    assert "recovery.expected" in explain_not_evaluable("no-expected-curve")
    patient, facts = told(*course(2), CURVE)
    assert [fact.reached_at for fact in published_of(MilestoneReached, facts)] == [at(49)]
    patient, facts = told(CURVE, *course(1))
    assert verdicts_on(patient).milestones[0].state == "not-yet"
    assert published_of(MilestoneNotEvaluable, [*facts[1:]]) == []


def test_the_margin_is_how_far_the_readings_lie_above_the_curve_of_somebody_25_percent_faster() -> None:
    """By hand: at twice the pace each level lies (2 - 1.25) ln 2 t/10 weeks above it, SE = .1 sqrt(1/3 + 1/3)."""
    _, facts = told(CURVE, *course(2))
    (reached,) = published_of(MilestoneReached, facts)
    evidence = reached.evidence
    target = [100 * exp(log(2) * 1.25 * (day + 0.375) / 70) for day in (35, 42, 49)]
    assert evidence.targets == pytest.approx(target)
    assert evidence.target == pytest.approx(exp(sum(map(log, target)) / 3))
    assert evidence.probability == pytest.approx(1.0, abs=1e-3)
    told_in_words = explain_reached(evidence, reached.reached_at)
    assert "25% faster: 155, 169, 184 N" in told_in_words
    assert "3 of the 3 readings meet it" in told_in_words


@pytest.mark.parametrize(("pace", "reached"), [(1.0, False), (1.25, False), (1.45, False), (1.7, True)])
def test_only_those_clearly_more_than_25_percent_faster_are_confirmed(pace: float, reached: bool) -> None:
    patient, _ = told(CURVE, *course(pace))
    assert (verdicts_on(patient).milestones[0].state == "reached") is reached


def test_beyond_the_day_on_which_somebody_25_percent_faster_meets_its_end_the_curve_says_nothing() -> None:
    late, in_time = (60, 65, 70), (42, 49, 55)
    patient, _ = told(CURVE, *course(2, days=late))
    assert verdicts_on(patient).milestones[0].state == "not-yet", "10 weeks / 1.25 are 56 days"
    patient, _ = told(CURVE, *course(2, days=in_time))
    assert verdicts_on(patient).milestones[0].state == "reached"


def test_a_corrected_curve_takes_back_what_rested_on_it_whatever_came_first() -> None:
    steeper = STORY.expected((10, 4.0), revision=2)
    patient, facts = told(CURVE, *course(2), steeper)
    assert [fact.cause for fact in published_of(MilestoneRetracted, facts)] == ["correction"]
    other, facts = told(steeper, *course(2), CURVE)
    assert published_of(MilestoneReached, facts) == []
    assert verdicts_on(patient) == verdicts_on(other)
    assert patient.record.plans == other.record.plans
