"""Every published verdict is recomputed from its evidence alone, by formulas written out here once more."""

import math
import random
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from statistics import NormalDist, fmean
from typing import Any

import pytest

from shared.events.base import Fact
from shared.events.intake import MeasurementVoided, SessionVoided
from shared.events.progress import (
    Evidence,
    MilestoneReached,
    MilestoneRetracted,
    PlanAdjustmentProposed,
    PlateauSuspected,
    RegressionDetected,
)
from shared.messaging import wire
from tests.domain.progress_story import Story, at, published_of, reading, tell


def levels(evidence: Evidence, values: Iterable[float]) -> list[float]:
    return [math.log(value) if evidence.scale == "log" else value for value in values]


def toward_better(evidence: Evidence, change: float) -> float:
    return change if evidence.better == "higher" else -change


def sigma_of(evidence: Evidence) -> float:
    noise = evidence.noise
    assert noise
    own = (8 * noise.default**2 + noise.squares) / (8 + noise.steps)
    return math.sqrt(max(noise.default**2, own))


def check_figures(evidence: Evidence) -> None:
    """Baseline, mean and sigma follow from the values."""
    pairs = [(evidence.baseline, evidence.baseline_values), (evidence.mean, evidence.values)]
    for told, values in pairs:
        mean = fmean(levels(evidence, values))
        assert math.isclose(told or 0, math.exp(mean) if evidence.scale == "log" else mean, abs_tol=1e-9)
    assert math.isclose(evidence.sigma or 0, sigma_of(evidence))
    assert len(evidence.readings) == len(evidence.values) == len(evidence.taken_at)
    assert len(evidence.baseline_readings) == len(evidence.baseline_values)


def target_and_share(evidence: Evidence) -> tuple[float, float]:
    """The level to reach, and c of the standard error."""
    rule = evidence.rule
    assert rule
    assert rule.change is not None
    baseline, change = fmean(levels(evidence, evidence.baseline_values)), toward_better(evidence, rule.change)
    if not rule.relative:
        return levels(evidence, [(evidence.baseline or 0) + change])[0], 1.0
    if evidence.scale == "log":
        return baseline + math.log(1 + change), 1.0
    return baseline * (1 + change), 1 + change


def confirmed(evidence: Evidence) -> bool:
    """Whether the rule in the evidence confirms the milestone."""
    check_figures(evidence)
    rule = evidence.rule
    assert rule
    target, share = target_and_share(evidence)
    window = levels(evidence, evidence.values)
    margin = toward_better(evidence, fmean(window) - target)
    error = sigma_of(evidence) * math.sqrt(share**2 / len(evidence.baseline_values) + 1 / rule.window)
    probability = NormalDist().cdf(margin / error)
    assert math.isclose(probability, evidence.probability or 0, abs_tol=1e-9)
    told = levels(evidence, [evidence.target or 0])[0]
    assert math.isclose(told, target, abs_tol=1e-9)
    passing = sum(toward_better(evidence, level - target) >= 0 for level in window)
    fresh = evidence.taken_at[-1] - evidence.taken_at[0] <= timedelta(days=rule.stale_days)
    return fresh and passing >= rule.passes and probability >= rule.probability


def reached(evidence: Evidence) -> bool:
    if evidence.rule and evidence.rule.kind == "session-count":
        return len(evidence.counted) == evidence.sessions == evidence.rule.sessions
    return confirmed(evidence)


def mcid(evidence: Evidence) -> float:
    assert evidence.mcid
    return math.log1p(evidence.mcid) if evidence.scale == "log" else evidence.mcid


def got_worse(evidence: Evidence) -> bool:
    check_figures(evidence)
    before, sigma = fmean(levels(evidence, evidence.baseline_values)), sigma_of(evidence)
    falls = [toward_better(evidence, before - level) for level in levels(evidence, evidence.values)]
    return (
        len(falls) == 3
        and 4 <= len(evidence.baseline_values) <= 6
        and fmean(falls) >= max(2.25 * sigma, mcid(evidence))
        and min(falls) >= 1.25 * sigma
    )


def stood_still(evidence: Evidence) -> bool:
    check_figures(evidence)
    gain = toward_better(
        evidence, fmean(levels(evidence, evidence.values)) - fmean(levels(evidence, evidence.baseline_values))
    )
    return gain + 1.28 * sigma_of(evidence) * math.sqrt(2 / 3) < mcid(evidence)


def held(evidence: Evidence) -> bool:
    """A step forward: the mean still meets the target, after four sessions at the step."""
    check_figures(evidence)
    target, _ = target_and_share(evidence)
    enough = len(evidence.counted) == (evidence.sessions or 0) >= 4
    return enough and toward_better(evidence, fmean(levels(evidence, evidence.values)) - target) >= 0


def check(fact: Fact) -> str:
    """Recompute a verdict from what lies in the log, and say of what kind it was."""
    fact = wire.read_fact(type(fact), fact.document)
    match fact:
        case MilestoneReached():
            assert reached(fact.evidence)
            return "reached"
        case MilestoneRetracted():
            assert reached(fact.before), "it was reached on the grounds of then"
            assert fact.after is None or not reached(fact.after), "it is not on those of now"
            return "retracted"
        case RegressionDetected():
            assert got_worse(fact.evidence)
            return "regression"
        case PlateauSuspected():
            assert stood_still(fact.evidence)
            return "plateau"
        case PlanAdjustmentProposed():
            assert held(fact.evidence) if fact.to_step > fact.from_step else got_worse(fact.evidence)
            return "step forward" if fact.to_step > fact.from_step else "step back"
        case _:
            return "other"


def random_course(rng: random.Random) -> list[Fact]:
    """A course of pain and strength that gets better, stands still or worse, with corrections and voids."""
    story, facts = Story(), list[Fact]()
    falls, turns = rng.choice([0.0, 0.25, 0.5]), rng.choice([99, 12, 15])
    for number in range(1, rng.choice([9, 16, 25])):
        worse = max(0, number - turns) * 1.5
        pain = min(10, max(0, round(7 - falls * min(number, 10) + worse + rng.gauss(0, 0.8))))
        session = story.session(number, pain)
        strength = max(1.0, round(100 * (1 + 0.05 * min(number, 10) * falls) + rng.gauss(0, 5), 1))
        second = reading(f"n-{number}", strength, session.started_at, measure="strength", unit="N")
        facts.append(session.model_copy(update={"readings": (*session.readings, second)}))
        if rng.random() < 0.06:
            facts.append(story.corrected(f"m-{number}-0", rng.randint(0, 10), (number - 1) * 3))
        if rng.random() < 0.04:
            facts.append(story.fact(MeasurementVoided, measurement_id=f"m-{number}-0", voided_at=at(99)))
        if rng.random() < 0.03:
            facts.append(story.fact(SessionVoided, session_id=f"s-{number}", voided_at=at(99)))
    late = facts.pop(rng.randrange(len(facts)))
    adjusted = [story.adjusted(2, 1, 40)] if rng.random() < 0.5 else []
    return [story.plan(), *facts, *adjusted, late]


def test_every_verdict_of_300_random_courses_follows_from_its_evidence_alone() -> None:
    rng = random.Random(20260601)
    seen: Counter[str] = Counter()
    for _ in range(300):
        _, published = tell(random_course(rng))
        seen.update(check(fact) for fact in published)
    kinds = {"reached", "retracted", "regression", "plateau", "step forward", "step back"}
    assert all(seen[kind] >= 10 for kind in kinds), seen


def test_a_verdict_whose_evidence_is_tampered_with_does_not_hold() -> None:
    story = Story()
    _, published = tell([story.plan(), *story.course([6, 6, 6, 2, 2, 2])])
    (fact,) = (f for f in published_of(MilestoneReached, published) if f.milestone == "pain-40")
    changes: list[dict[str, Any]] = [{"baseline_values": (4.0, 4.0)}, {"values": (5.0, 2.0, 2.0)}, {"sigma": 0.2}]
    for change in changes:
        with pytest.raises(AssertionError):
            assert reached(fact.evidence.model_copy(update=change))
