"""A small demo from first consultation to last message: everything holds, and a seed is a run."""

from pathlib import Path

import pytest

from tests.journeys.runs import SMALL, differences, live_through, undisturbed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(360)]


async def test_all_invariants_hold_and_the_clinic_is_busy(tmp_path: Path) -> None:
    run = await undisturbed(SMALL, tmp_path)
    figures = run.report.figures
    assert run.report.broken == {}
    assert figures.dead_letters == 0
    assert figures.sent == figures.accepted + figures.refused + figures.repeats
    assert figures.repeats > 0
    assert figures.courses >= SMALL.patients - 2
    assert figures.sessions > 20
    assert figures.appointments >= figures.courses * 12
    assert figures.milestones["true"] > 0
    assert figures.messages["booked"]["accepted"] >= figures.courses
    assert figures.messages["reminder"]["accepted"] > 0
    assert figures.latency_ms["p50"] is not None


async def test_the_same_seed_gives_the_same_facts_and_tables(tmp_path: Path) -> None:
    once = await undisturbed(SMALL, tmp_path / "once")
    again = await live_through(tmp_path / "again", SMALL)
    assert differences(once.facts(), again.facts()) == {}
    assert differences(once.rows, again.rows) == {}
    assert once.report.verdicts == again.report.verdicts
