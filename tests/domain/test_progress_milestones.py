"""Milestones: confirmed beyond noise, counted exactly, taken back when their ground goes."""

from datetime import timedelta

import pytest

from services.progress.domain.patient import Patient
from shared.events.base import Fact
from shared.events.intake import MeasurementVoided, SessionVoided
from shared.events.progress import (
    BaselineSet,
    MilestoneNotEvaluable,
    MilestoneReached,
    MilestoneRetracted,
)
from tests.domain.progress_story import (
    PLAN,
    Story,
    apply,
    at,
    published_of,
    reading,
    tell,
    verdicts_on,
)

STORY = Story()
START = [STORY.plan(), *STORY.baseline(6, 6), STORY.session(1, 6), STORY.session(2, 6)]
"""A plan and four pain readings of 6: with session 2's own, three of them make the baseline."""


def reached(facts: list[Fact], milestone: str) -> list[MilestoneReached]:
    return [fact for fact in published_of(MilestoneReached, facts) if fact.milestone == milestone]


def after_start(values: list[float]) -> tuple[Patient, list[Fact]]:
    return tell([*START, *STORY.course(values, first=3)])


def test_the_worked_example_is_confirmed_when_the_mean_of_three_is_two_point_seven_four_or_less() -> None:
    """Baseline 6, target 3.6, sigma 1: the margin for 90% is .863 (clinical.md)."""
    for mean, confirmed in ((2.74, False), (2.73, True)):
        # One value above the mean and one below: the noise of the series stays at its default.
        record, facts = after_start([mean, mean, mean])
        evidence = verdicts_on(record).milestones[2].evidence
        assert bool(reached(facts, "pain-40")) is confirmed, mean
        if evidence:
            assert evidence.baseline == 6
            assert evidence.target == pytest.approx(3.6)
            assert evidence.probability == pytest.approx(0.90, abs=0.01)
