"""The confirmed-change rule beside others, on the very same patients."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

from benchmarks.progress.ground import Report, cohort, question
from benchmarks.references.milestone_rules import RULES
from stride.trials.cohorts import Patient, Response, judged, reached_in
from stride.trials.courses import BASELINE_READINGS
from stride.trials.figures import Share, quantile, share

OURS = "stride"
SHORT, LONG = 12, 24
"""Sessions after the baseline: false alarms are counted within the first, true ones within both."""

Outcomes = Mapping[str, list[int | None]]
"""By rule, the session at which each patient's milestone was announced."""


def rules(seed: int, patients: int, report: Report) -> dict[str, Any]:
    """Percentages and delays of each rule, and what chance leaves open about ours."""
    unchanged = _share(announced(seed, "unchanged", SHORT, patients, report))
    half = _share(announced(seed, "half", SHORT, patients, report))
    noisy = _share(announced(seed, "unchanged", SHORT, patients, report, noise=1.5))
    noisy_half = _share(announced(seed, "half", SHORT, patients, report, noise=1.5))
    full = _responders(seed, "full", patients, report)
    slow = _responders(seed, "slow", patients // 4, report)
    found = {
        name: {
            "no_change_12": unchanged[name].percent,
            "half_12": half[name].percent,
            "early": full[name]["early"].percent,
            "confirmed_24": full[name]["confirmed"].percent,
            "within_3": full[name]["within_3"].percent,
            "median_delay": full[name]["median"],
            "p90_delay": full[name]["p90"],
            "no_change_noise_1_5": noisy[name].percent,
            "half_noise_1_5": noisy_half[name].percent,
            "slow_early": slow[name]["early"].percent,
            "slow_median_delay": slow[name]["median"],
        }
        for name in unchanged
    }
    intervals = {
        "no_change_12": unchanged[OURS].interval,
        "half_12": half[OURS].interval,
        "early": full[OURS]["early"].interval,
        "confirmed_24": full[OURS]["confirmed"].interval,
        "within_3": full[OURS]["within_3"].interval,
        "noise_1_5": noisy[OURS].interval,
    }
    return {"rules": found, "noise_1_5": noisy[OURS].percent, "intervals": intervals}


def announced(
    seed: int, response: Response, sessions: int, patients: int, report: Report, *, noise: float = 1.0
) -> Outcomes:
    """What each rule says of each patient of a cohort."""
    outcomes: dict[str, list[int | None]] = defaultdict(list)
    for someone in cohort(seed, response, sessions, patients, report, noise=noise):
        for name, session in _by_rule(sessions, someone):
            outcomes[name].append(session)
    return outcomes


def _by_rule(sessions: int, someone: Patient) -> Iterator[tuple[str, int | None]]:
    asked = question(sessions)
    yield OURS, reached_in(asked, judged(asked, someone))
    later = [*zip(asked.timeline.read_at, someone.taken, strict=True)][BASELINE_READINGS:]
    for name, rule in RULES.items():
        yield name, rule(someone.baseline, later, asked.rule.change or 0.0)


def _share(outcomes: Outcomes) -> Mapping[str, Share]:
    return {name: share([session is not None for session in sessions]) for name, sessions in outcomes.items()}


def _responders(seed: int, response: Response, patients: int, report: Report) -> Mapping[str, Mapping[str, Any]]:
    """Of true responders: too early, confirmed in time, and how many sessions after it was truly so."""
    true_from = [someone.true_from or 0 for someone in cohort(seed, response, LONG, patients, lambda _: None)]
    found: dict[str, Mapping[str, Any]] = {}
    for name, sessions in announced(seed, response, LONG, patients, report).items():
        delays = [inf if at is None else at - true for at, true in zip(sessions, true_from, strict=True)]
        found[name] = {
            "early": share([delay < 0 for delay in delays]),
            "confirmed": share([at is not None for at in sessions]),
            "within_3": share([delay <= 3 for delay in delays]),
            "median": quantile(delays, 0.5),
            "p90": quantile(delays, 0.9),
        }
    return found
