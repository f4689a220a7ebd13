"""Processes that send messages are killed outright: no patient is written to twice, no message is lost."""

import os
from pathlib import Path

import pytest

from benchmarks.notifications.storm import Outcome, storm
from shared.clock import wall_seconds
from tests.faults.conftest import SEED
from tests.faults.harness import Verdict
from tests.faults.harness.progress import far

FAST, LONG = "notifications-kills-few", "notifications-kills"
KILLS = int(os.environ.get("STRIDE_FAULT_KILLS", "200"))
_A_KILL_SECONDS = 3.0
"""A bound for the deadline, several times what a kill takes."""


async def _killed(request: pytest.FixtureRequest, name: str, database_url: str, home: Path, kills: int) -> None:
    """A quarter of the kills beside an inbox that can be asked: there, nothing may stay unknown."""
    began, asking = wall_seconds(), kills // 4
    blind = await storm(
        database_url, f"blind-{home.name}", home, kills=kills - asking, seed=SEED, ask=False,
        far=lambda dead: far(dead, kills),
    )  # fmt: skip
    asked = await storm(
        database_url, f"asked-{home.name}", home, kills=asking, seed=SEED + 1, ask=True,
        far=lambda dead: far(kills - asking + dead, kills),
    )  # fmt: skip
    verdict = _verdict(name, blind, asked)
    verdict.seconds = round(wall_seconds() - began, 1)
    request.node.user_properties.append(("verdict", verdict))
    assert verdict.kills == kills
    assert verdict.clean, (blind, asked)
    assert asked.unknown == asked.staff_twice == 0, asked
    # Were no death ambiguous, nothing would be shown.
    assert blind.unknown > 0, blind


def _verdict(name: str, *outcomes: Outcome) -> Verdict:
    return Verdict(
        fault=name,
        seed=SEED,
        sent=sum(outcome.intents for outcome in outcomes),
        kills=sum(outcome.kills for outcome in outcomes),
        lost=sum(outcome.lost for outcome in outcomes),
        duplicated=sum(outcome.duplicates for outcome in outcomes),
    )


@pytest.mark.fault(FAST)
@pytest.mark.timeout(120)
async def test_a_few_kills(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> None:
    """A fast selection of the long one."""
    await _killed(request, FAST, database_url, tmp_path, 24)


@pytest.mark.slow_fault
@pytest.mark.fault(LONG)
@pytest.mark.timeout(120 + KILLS * _A_KILL_SECONDS)
async def test_kills_without_end(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> None:
    """SIGKILL around commits and around the handing over of messages: `--kills N` of them."""
    await _killed(request, LONG, database_url, tmp_path, KILLS)
