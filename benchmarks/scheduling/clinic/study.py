"""Every policy in the same clinics: seeds side by side, means with their 95% confidence."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from math import sqrt
from multiprocessing import get_context
from statistics import fmean, stdev
from typing import Any, NamedTuple

from benchmarks.scheduling.clinic.measures import measures
from benchmarks.scheduling.clinic.policies import POLICIES
from benchmarks.scheduling.clinic.setting import Setting
from benchmarks.scheduling.clinic.world import World

ARRIVALS = (14, 17)
"""New plans a week: a clinic with some room, and a full one."""
OURS = "stride"
_STUDENT = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36, 9: 2.31, 10: 2.26}
"""The 97.5% point of Student's t by the number of runs."""
_DIGITS = 4


class Case(NamedTuple):
    """One run."""

    arrivals: int
    policy: str
    seed: int


def clinic(seed: int, seeds: int, setting: Setting, report: Callable[[str], None]) -> dict[str, Any]:
    """By arrivals a week: the product's measures, their confidence, and the other policies' in the same clinics."""
    cases = [
        Case(arrivals, policy, seed * 1000 + number)
        for arrivals in ARRIVALS
        for policy in POLICIES
        for number in range(seeds)
    ]
    found: dict[Case, dict[str, float]] = {}
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for case, measured in zip(cases, pool.map(_run, cases, [setting] * len(cases)), strict=True):
            found[case] = measured
            report(f"clinic {len(found)} of {len(cases)}: {case.policy} at {case.arrivals} a week")
    return {
        **{str(arrivals): _compared(found, arrivals) for arrivals in ARRIVALS},
        "seeds": seeds,
        "weeks": setting.weeks,
        "warm_up": setting.warm_up,
    }


def _run(case: Case, setting: Setting) -> dict[str, float]:
    policy = POLICIES[case.policy]
    return measures(World(setting.with_arrivals(case.arrivals), case.seed, policy.decide, policy.refill).run())


def _compared(found: Mapping[Case, Mapping[str, float]], arrivals: int) -> dict[str, Any]:
    runs = {
        policy: [each for case, each in found.items() if (case.arrivals, case.policy) == (arrivals, policy)]
        for policy in POLICIES
    }
    ours = runs.pop(OURS)
    return {
        **_means(ours),
        "confidence": {name: _half_width([run[name] for run in ours]) for name in ours[0]},
        "references": {policy: _means(each) for policy, each in runs.items()},
    }


def _means(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: round(fmean(run[name] for run in runs), _DIGITS) for name in runs[0]}


def _half_width(values: Sequence[float]) -> float | None:
    """Of the 95% interval of the mean; None of a single run."""
    if len(values) not in _STUDENT:
        return None
    return round(_STUDENT[len(values)] * stdev(values) / sqrt(len(values)), _DIGITS)
