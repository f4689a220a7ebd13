"""The confirmed-change rule written a second time, as plainly as clinical.md states it, and compared."""

import math
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import NormalDist, fmean

import pytest

from services.progress.domain.record import Reading
from services.progress.domain.verdicts import judge
from tests.domain.progress_simulation import record_of
from tests.domain.progress_story import PAIN_40, STRENGTH_20, at

Taken = tuple[datetime, float]


def baseline_of(readings: Sequence[Taken], second_session: datetime) -> list[int]:
    """Which readings make the baseline: before session 2, half a day apart or more, the last three."""
    chosen: list[int] = []
    for index, (moment, _) in enumerate(readings):
        apart = not chosen or moment - readings[chosen[-1]][0] >= timedelta(hours=12)
        if moment <= second_session and apart:
            chosen.append(index)
    return chosen[-3:]


def first_confirmed(
    readings: Sequence[Taken], second_session: datetime, *, sigma0: float, reduction: bool
) -> int | None:
    """The index of the first reading at which the rule holds: pain -40%, or strength +20% in logs."""
    chosen = baseline_of(readings, second_session)
    if len(chosen) < 2:
        return None
    x = [value if reduction else math.log(value) for _, value in readings]
    baseline, last = fmean(x[i] for i in chosen), chosen[-1]
    for end in range(last + 4, len(x) + 1):
        window = x[end - 3 : end]
        steps = [x[i + 1] - x[i] for i in range(end - 1) if i != last]
        own = 8 * sigma0**2 + sum(min(d * d / 2, 9 * sigma0**2) for d in steps)
        sigma = math.sqrt(max(sigma0**2, own / (8 + len(steps))))
        if reduction:
            gain, c, passing = 0.6 * baseline - fmean(window), 0.6, [v <= 0.6 * baseline for v in window]
        else:
            goal = baseline + math.log(1.2)
            gain, c, passing = fmean(window) - goal, 1.0, [v >= goal for v in window]
        error = sigma * math.sqrt(c**2 / len(chosen) + 1 / 3)
        fresh = readings[end - 1][0] - readings[end - 3][0] <= timedelta(days=42)
        if fresh and sum(passing) >= 2 and NormalDist().cdf(gain / error) >= 0.90:
            return end - 1
    return None


def random_readings(rng: random.Random, *, reduction: bool) -> list[Taken]:
    """Readings at home and in sessions, with gaps, double days and every kind of outcome."""
    start, speed = (rng.uniform(3, 9), -rng.uniform(0, 0.6)) if reduction else (rng.uniform(40, 200), rng.uniform(0, 9))
    noise = 1.3 if reduction else start * 0.08
    taken: list[Taken] = []
    day = -rng.choice([0.0, 2.0, 5.0])
    while len(taken) < rng.choice([8, 16, 26]):
        value = start + speed * max(0.0, day / 3) + rng.gauss(0, noise)
        value = float(min(10, max(0, round(value)))) if reduction else max(1.0, round(value, 1))
        taken.append((at(day), value))
        day += rng.choice([0.2, 1, 2, 3, 3, 3, 3, 3, 4, rng.choice([7, 25])])
    return taken


@pytest.mark.parametrize("reduction", [True, False], ids=["pain-40", "strength-20"])
def test_a_second_plain_implementation_gives_the_same_verdict_on_1500_random_series(reduction: bool) -> None:
    rng = random.Random(20260105)
    rule, measure, unit = (PAIN_40, "pain", "{score}") if reduction else (STRENGTH_20, "strength", "N")
    reached = 0
    for _ in range(1500):
        taken = random_readings(rng, reduction=reduction)
        readings = [
            Reading(f"m-{i:02}", 0, measure, value, unit, moment, None, None, None, False, "plan-1", None)
            for i, (moment, value) in enumerate(taken)
        ]
        (verdicts,) = judge(record_of(readings, sessions=4))
        verdict = next(each for each in verdicts.milestones if each.rule == rule)
        expected = first_confirmed(taken, at(3), sigma0=1.0 if reduction else 0.1, reduction=reduction)
        assert (verdict.at if verdict.reached_at else None) == expected
        reached += expected is not None
    assert 300 < reached < 1300, "both outcomes are well represented"
