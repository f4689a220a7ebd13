"""The rules written a second time, as plainly as clinical.md states them, and compared."""

import math
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import NormalDist, fmean

import pytest

from services.progress.domain import keeping
from services.progress.domain.record import PatientRecord, Reading, Session
from services.progress.domain.verdicts import Verdicts, judge
from shared.events.clinical import MeasureSpec
from tests.domain.progress_story import PAIN, PAIN_40, PLAN, STRENGTH, STRENGTH_20, Story, at

_PLANNED = keeping.keep_plan(PatientRecord("clinic", "patient"), Story().plan())

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
        sigma = noise(x[:end], chosen, sigma0)
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
    scatter = 1.3 if reduction else start * 0.08
    turn, relapses = rng.choice([10, 20, 1000]), (0.3 if reduction else -start * 0.03)
    taken: list[Taken] = []
    day = -rng.choice([0.0, 2.0, 5.0])
    while len(taken) < rng.choice([8, 16, 26]):
        relapse = relapses * max(0.0, day - turn)
        value = start + speed * max(0.0, min(day, turn) / 3) + relapse + rng.gauss(0, scatter)
        value = float(min(10, max(0, round(value)))) if reduction else max(1.0, round(value, 1))
        taken.append((at(day), value))
        day += rng.choice([0.2, 1, 2, 3, 3, 3, 3, 3, 4, rng.choice([7, 25])])
    return taken


def regressions(readings: Sequence[Taken], chosen: Sequence[int], spec: MeasureSpec) -> list[int]:
    """Indexes of the readings that show a regression: last three against the four to six before them."""
    x = [math.log(value) if spec.scale == "log" else value for _, value in readings]
    worse = 1 if spec.better == "lower" else -1
    important = math.log(1 + spec.mcid) if spec.scale == "log" else spec.mcid
    found: list[int] = []
    for at_ in range(6, len(x)):
        last, before = x[at_ - 2 : at_ + 1], x[max(0, at_ - 8) : at_ - 2]
        sigma = noise(x[: at_ - 2], chosen, spec.sigma)
        each = [worse * (value - fmean(before)) for value in last]
        fell = fmean(each) >= max(2.25 * sigma, important) - 1e-12 and min(each) >= 1.25 * sigma
        if fell and (not found or at_ >= found[-1] + 3):
            found.append(at_)
    return found


def noise(x: Sequence[float], chosen: Sequence[int], sigma0: float) -> float:
    """The noise of one reading as known from the values so far, without the step out of the baseline."""
    last = chosen[-1] if len(chosen) >= 2 else None
    steps = [after - before for i, (before, after) in enumerate(pairwise(x)) if i != last]
    own = 8 * sigma0**2 + sum(min(d * d / 2, 9 * sigma0**2) for d in steps)
    return math.sqrt(max(sigma0**2, own / (8 + len(steps))))


def judged(taken: Sequence[Taken], spec: MeasureSpec) -> Verdicts:
    """What progress makes of the readings, in a course with a session every three days."""
    readings = [
        Reading(f"m-{i:02}", 0, spec.measure, value, spec.unit, moment, None, None, None, False, PLAN, None)
        for i, (moment, value) in enumerate(taken)
    ]
    sessions = [Session(f"s-{n}", PLAN, at((n - 1) * 3), at((n - 1) * 3 + 0.03)) for n in range(1, 5)]
    (verdicts,) = judge(
        _PLANNED._replace(
            sessions={session.session_id: session for session in sessions},
            readings={reading.measurement_id: reading for reading in readings},
        )
    )
    return verdicts


@pytest.mark.parametrize("spec", [PAIN, STRENGTH], ids=["pain-40", "strength-20"])
def test_a_second_plain_implementation_gives_the_same_verdicts_on_5000_random_series_of_each_kind(
    spec: MeasureSpec,
) -> None:
    rng = random.Random(20260105)
    rule, reduction = (PAIN_40, True) if spec is PAIN else (STRENGTH_20, False)
    reached = worse = 0
    for _ in range(5000):
        taken = random_readings(rng, reduction=reduction)
        verdicts = judged(taken, spec)
        verdict = next(each for each in verdicts.milestones if each.rule == rule)
        expected = first_confirmed(taken, at(3), sigma0=spec.sigma, reduction=reduction)
        assert (verdict.at if verdict.reached_at else None) == expected
        fell = regressions(taken, baseline_of(taken, at(3)), spec)
        assert [regression.at for regression in verdicts.regressions] == fell
        reached, worse = reached + (expected is not None), worse + bool(fell)
    assert 600 < reached < 4500, "both outcomes are well represented"
    assert worse > 50, "and so are regressions"
