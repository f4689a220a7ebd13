"""The fast selection: seeds, a crash at every await of a small run, and pairs of crashes.

`python -m tests.simulation --seeds 10000` and `--everywhere` go further.
"""

from collections.abc import Iterable

import pytest

from tests.simulation.explore import Run, crashed_once, crashed_twice, report, seeds
from tests.simulation.scenario import small

SLICES, SEEDS = 6, 50


def judge(runs: Iterable[Run]) -> int:
    """How many runs there were; the first bad one fails the test with its seed and its schedule."""
    count = 0
    for run in runs:
        assert not run.faults, report(run)
        count += 1
    return count


@pytest.mark.parametrize("first", range(0, SLICES * SEEDS, SEEDS))
def test_no_drawn_schedule_loses_repeats_or_reorders_anything(first: int) -> None:
    assert judge(seeds(first, SEEDS)) == SEEDS


def test_a_crash_at_any_await_loses_repeats_and_reorders_nothing() -> None:
    assert judge(crashed_once(small(members=1, events=3))) > 100


def test_two_crashes_lose_repeat_and_reorder_nothing() -> None:
    assert judge(crashed_twice(small(members=1, events=1, poison=False), every=4)) > 100
