"""The same seed is the same run, step by step, also in another process; a failing one says how to see it again."""

import os
import re
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

from shared.messaging import inbox
from shared.messaging.message import Message
from tests.simulation.explore import Run, report, seeds, simulate
from tests.simulation.scenario import drawn

ROOT = Path(__file__).parents[2]
EVENTFUL = 14


def replayed(seed: int, hash_seed: str) -> str:
    command = [sys.executable, "-m", "tests.simulation", "--seed", str(seed), "--lines", "2000"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


def test_a_seed_gives_the_same_run_twice() -> None:
    once, again = simulate(drawn(EVENTFUL)), simulate(drawn(EVENTFUL))
    assert (once.steps, once.digest, once.trace) == (again.steps, again.digest, again.trace)
    assert simulate(drawn(EVENTFUL + 1)).digest != once.digest


def test_a_seed_gives_the_same_run_in_another_process_whatever_python_hashes() -> None:
    first = replayed(EVENTFUL, "1")
    assert first == replayed(EVENTFUL, "2")
    assert f"digest {simulate(drawn(EVENTFUL)).digest:x}" in first


async def forgetful(_: object, messages: list[Message]) -> set[tuple[str, str]]:
    """An inbox that knows nobody."""
    return {(message.source, message.event_id) for message in messages}


def test_a_failing_seed_is_printed_with_its_schedule_and_the_command_that_replays_it() -> None:
    with patch.object(inbox, "remember", forgetful):
        bad: Run = next(run for run in seeds(0, 50) if run.faults)
        text = report(bad, 20)
        match = re.search(r"again: python -m tests\.simulation --seed (\d+)$", text)
        assert match
        assert int(match[1]) == bad.scenario.seed
        assert simulate(drawn(int(match[1]))).trace == bad.trace
    assert f"seed {bad.scenario.seed} fails" in text
    assert "\n  O " in text
    assert "COMMIT" in text
