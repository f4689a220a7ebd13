"""How often the rules are wrong, on simulated patients with fixed seeds (clinical.md, Goals)."""

import random
from collections.abc import Callable

from services.progress.domain.verdicts import Verdicts, judge
from tests.domain.progress_simulation import simulated

BASELINE = 6.0


def judged(
    patients: int, seed: int, truth: Callable[[int], float], sessions: int, noise: float = 1.0
) -> list[Verdicts]:
    """The verdicts on so many patients."""
    rng = random.Random(seed)
    return [verdicts for _ in range(patients) for verdicts in judge(simulated(rng, truth, sessions, noise))]


def share_confirmed(verdicts: list[Verdicts]) -> float:
    """The share of courses in which the pain milestone was reached."""
    reached = [any(v.rule.milestone == "pain-40" and v.reached_at for v in each.milestones) for each in verdicts]
    return sum(reached) / len(reached)


def responder(change: float) -> Callable[[int], float]:
    """True pain that falls by a fraction in a straight line, from session 3 to session 12."""
    return lambda number: BASELINE * (1 - change * min(1, max(0, number - 2) / 10))


def unchanged(_: int) -> float:
    """True pain that stays."""
    return BASELINE


def test_at_most_half_a_percent_of_unchanged_patients_reach_the_milestone_within_12_sessions() -> None:
    """4,000 patients: at a true rate of .1%, the bound of 20 is missed less than once in 10^8 runs."""
    assert share_confirmed(judged(4000, 1, unchanged, 12)) <= 0.005


def test_at_most_three_percent_of_half_responders_reach_it_and_of_unchanged_ones_with_noise_half_again() -> None:
    assert share_confirmed(judged(2000, 2, responder(0.2), 12)) <= 0.03
    assert share_confirmed(judged(2000, 3, unchanged, 12, noise=1.5)) <= 0.03


def test_at_least_nine_in_ten_full_responders_are_confirmed_by_session_24() -> None:
    """True pain down by 60%: from 6 to 2.4, the target being 3.6."""
    assert share_confirmed(judged(1500, 4, responder(0.6), 24)) >= 0.90


def test_regressions_at_most_five_percent_false_in_20_stable_sessions_and_four_in_five_of_plus_three_found() -> None:
    stable = judged(1500, 5, lambda _: 4.0, 20)
    assert sum(bool(each.regressions) for each in stable) / len(stable) <= 0.05
    worse = judged(1000, 6, lambda number: 3.0 if number <= 12 else 6.0, 24)
    assert sum(bool(each.regressions) for each in worse) / len(worse) >= 0.80
