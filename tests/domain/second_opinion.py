"""Progress' rules written a second time, as plainly as docs/progress.md states them: no folds, nothing carried on.

Every question is answered anew from all readings; times are moments, values are in the measure's unit.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from statistics import NormalDist, fmean

from shared.events.clinical import MeasureSpec

CLOSE = 1e-9
"""On a limit."""

Taken = tuple[datetime, float]
Stage = tuple[int, int, datetime]
"""A version of the plan, its ladder step, and the midnight from which on it holds."""


def baseline_of(readings: Sequence[Taken], second_session: datetime) -> list[int]:
    """Which readings make the baseline: before session 2, half a day apart or more, the last three."""
    chosen: list[int] = []
    for index, (moment, _) in enumerate(readings):
        apart = not chosen or moment - readings[chosen[-1]][0] >= timedelta(hours=12)
        if moment <= second_session and apart:
            chosen.append(index)
    return chosen[-3:]


def noise(x: Sequence[float], chosen: Sequence[int], sigma0: float) -> float:
    """The noise of one reading as known from the values so far, without the step out of the baseline."""
    last = chosen[-1] if len(chosen) >= 2 else None
    steps = [after - before for i, (before, after) in enumerate(pairwise(x)) if i != last]
    own = 8 * sigma0**2 + sum(min(d * d / 2, 9 * sigma0**2) for d in steps)
    return math.sqrt(max(sigma0**2, own / (8 + len(steps))))


def beyond(x: Sequence[float], target: float, better: int, *, sigma: float, c: float, n0: int) -> float:
    """That the mean of `x` lies beyond the target: Phi(G / (sigma sqrt(c^2/n0 + 1/n)))."""
    error = sigma * math.sqrt(c**2 / n0 + 1 / len(x))
    return NormalDist().cdf(better * (fmean(x) - target) / error)


def first_confirmed(
    readings: Sequence[Taken], second_session: datetime, *, sigma0: float, reduction: bool
) -> int | None:
    """The index of the first reading at which the rule holds: pain -40%, or strength +20% in logs."""
    chosen = baseline_of(readings, second_session)
    if len(chosen) < 2:
        return None
    x = [value if reduction else math.log(value) for _, value in readings]
    baseline, last = fmean(x[i] for i in chosen), chosen[-1]
    goal, c, better = (0.6 * baseline, 0.6, -1) if reduction else (baseline + math.log(1.2), 1.0, 1)
    for end in range(last + 4, len(x) + 1):
        window = x[end - 3 : end]
        passing = sum(better * (value - goal) >= -CLOSE for value in window)
        sure = beyond(window, goal, better, sigma=noise(x[:end], chosen, sigma0), c=c, n0=len(chosen)) >= 0.90
        fresh = readings[end - 1][0] - readings[end - 3][0] <= timedelta(days=42)
        if fresh and passing >= 2 and sure:
            return end - 1
    return None


def first_grade_up(gradings: Mapping[str, Sequence[Taken]], second_session: datetime) -> datetime | None:
    """When three gradings in a row by one rater first lay a grade or more above the best of that rater's baseline."""
    found: list[datetime] = []
    for taken in gradings.values():
        chosen = baseline_of(taken, second_session)
        if len(chosen) < 2:
            continue
        wanted = max(taken[i][1] for i in chosen) + 1
        for end in range(chosen[-1] + 4, len(taken) + 1):
            three = taken[end - 3 : end]
            if all(grade >= wanted for _, grade in three) and three[2][0] - three[0][0] <= timedelta(days=42):
                found.append(three[2][0])
                break
    return min(found, default=None)


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
        fell = fmean(each) >= max(2.25 * sigma, important) - CLOSE and min(each) >= 1.25 * sigma
        if fell and (not found or at_ >= found[-1] + 3):
            found.append(at_)
    return found


def plateaus(pain: Sequence[Taken], ends: Sequence[datetime], spec: MeasureSpec, second: datetime) -> list[int]:
    """The reviews at which pain stood still over six sessions, before it was down by 40%."""
    reached = first_confirmed(pain, second, sigma0=spec.sigma, reduction=True)
    chosen, found = baseline_of(pain, second), list[int]()
    for review in (12, 18, 24):
        if review > len(ends) or (reached is not None and pain[reached][0] <= ends[review - 1]):
            continue
        then, now = ends[review - 7], ends[review - 1]
        before = [value for moment, value in pain if moment <= then]
        until = [(moment, value) for moment, value in pain if moment <= now]
        if len(before) < 3 or len(until) - len(before) < 3 or now - until[-3][0] > timedelta(days=42):
            continue
        gain = fmean(before[-3:]) - fmean(value for _, value in until[-3:])
        sigma = noise([value for _, value in until], chosen, spec.sigma)
        if gain + 1.28 * sigma * math.sqrt(2 / 3) < spec.mcid:
            found.append(review)
    return found


@dataclass(frozen=True)
class Care:
    """What taper proposals rest on: a course of three rungs, the last of them discharge."""

    pain: Sequence[Taken]
    spec: MeasureSpec
    starts: Sequence[datetime]
    ends: Sequence[datetime]
    """Of the sessions."""
    falls: Sequence[tuple[datetime, Sequence[Taken], int]]
    """Regressions of any measure: when, in which series, at which of its readings."""
    harms: Iterable[datetime]
    """Adverse events of grade 2 or more."""
    stages: Sequence[Stage]
    declined: Mapping[int, datetime]
    """Answers, all of them no: by how many proposals of the stage came before."""

    def proposals(self) -> list[tuple[datetime, int]]:
        """When a step is proposed, and to which rung."""
        _, step, since = self.stages[-1]
        made: list[tuple[datetime, int]] = []
        for moment in sorted({*self.ends, *(t for t, _ in self.pain), *(t for t, _, _ in self.falls)}):
            fell = [t for t, _, _ in self.falls if t == moment and t.date() >= since.date()]
            steps = [step - 1 for _ in fell if step > 0] + ([step + 1] if self.forward(moment) else [])
            for to in steps:
                answered = self.declined.get(len(made) - 1)
                if made and answered is None:
                    return made
                no = max(answered, made[-1][0]) if answered else None
                if no is None or sum(no < end <= moment for end in self.ends) >= 4:
                    made.append((moment, to))
        return made

    @cached_property
    def reached(self) -> int | None:
        """The reading that confirms that pain is down by 40%."""
        return first_confirmed(self.pain, self.starts[1], sigma0=self.spec.sigma, reduction=True)

    def forward(self, moment: datetime) -> bool:
        """Whether every gate to less care stands open."""
        steps = [step for _, step, _ in self.stages]
        back = sum(later < earlier for earlier, later in pairwise(steps))
        if self.reached is None or steps[-1] + 1 > 2 or back >= 2:
            return False
        until = [one for one in self.pain if one[0] <= moment]
        later = until[self.reached + 1 :]
        at_step = [e for s, e in zip(self.starts, self.ends, strict=True) if s.date() >= self.stages[-1][2].date()]
        enough = len(later) >= 3 and sum(end <= moment for end in at_step) >= 4
        return enough and self.holds(until, later, moment) and self.calm(moment)

    def holds(self, until: Sequence[Taken], later: Sequence[Taken], moment: datetime) -> bool:
        """Whether what came after the milestone still meets its target."""
        chosen = baseline_of(self.pain, self.starts[1])
        goal = 0.6 * fmean(self.pain[i][1] for i in chosen)
        sigma = noise([value for _, value in until], chosen, self.spec.sigma)
        likely = beyond([value for _, value in later], goal, -1, sigma=sigma, c=0.6, n0=len(chosen)) >= 0.70
        meets = fmean(value for _, value in until[-3:]) <= goal + CLOSE
        return moment - until[-1][0] <= timedelta(days=42) and meets and likely

    def calm(self, moment: datetime) -> bool:
        """No harm within 14 days, no regression within the last six readings of its series."""
        harmed = any(moment - timedelta(days=14) <= harm <= moment for harm in self.harms)
        fell = any(
            when <= moment and sum(t <= moment for t, _ in series) - 1 - index < 6 for when, series, index in self.falls
        )
        return not harmed and not fell
