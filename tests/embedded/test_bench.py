"""The bench measures what it says: a tiny run of its main sections gives every figure, and its table shows them."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks.bench import ALWAYS, SECTIONS, Sizes, bench
from benchmarks.growth import Size
from benchmarks.peer import peer
from benchmarks.table import table
from benchmarks.workload import progress
from stride.cli.run import run as run_command

TINY = Sizes(
    events=200,
    rounds=1,
    requests=40,
    samples=1,
    courses=Size(courses=1_000, inbox=0),
    memory_seconds=0,
    services=("progress",),
)


def _silent(_: str) -> None:
    pass


def _figures(found: Any, path: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(found, dict):
        for name, value in found.items():
            yield from _figures(value, f"{path}.{name}")
    elif isinstance(found, int | float) and not isinstance(found, bool):
        yield path, float(found)


async def test_a_tiny_run_gives_every_figure_of_the_main_sections(tmp_path: Path) -> None:
    begun: list[str] = []
    only = ["throughput", "intake"]
    found: Any = await bench(tmp_path, only, sizes=TINY, seed=7, report=_silent, begin=begun.append)
    assert begun == only
    assert {"per_s", "of_bare", "of_usual"} <= found["throughput"]["progress"].keys()
    assert found["intake"]["single"].keys() == found["intake"]["batch"].keys() >= {"per_s", "of_bare"}
    assert found["throughput"]["progress"]["events"] == 200
    # CPU time is counted in ticks of 10 ms, and so little work may take none; the generator may be as quick.
    counted = [(name, figure) for name, figure in _figures(found) if "cpu" not in name and "busy" not in name]
    assert [name for name, figure in counted if not figure > 0 and "load" not in name] == []
    json.dumps(found)
    shown = StringIO()
    Console(width=160, file=shown).print(table(found))
    for row in ("throughput progress", "HTTP intake, single", "HTTP intake, batch"):
        assert row in shown.getvalue()


def test_the_same_seed_gives_the_same_work_and_another_seed_another() -> None:
    assert progress(3, "x", 120).measured == progress(3, "x", 120).measured
    assert progress(3, "x", 120).measured != progress(4, "x", 120).measured


def test_the_work_is_as_large_as_asked_and_its_events_are_about_400_bytes() -> None:
    work = progress(1, "x", 500)
    assert len(work.measured) == 500
    mean = sum(len(record.value) for record in work.measured) / 500
    assert 300 <= mean <= 500


async def test_a_peer_that_is_not_installed_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STRIDE_BENCH_PEER", str(tmp_path / "no-python-here"))
    nowhere: Any = None
    found = await peer(nowhere, events=1, rounds=1, seed=1)
    assert found["installed"] is False
    assert "make bench" in str(found["install"])


def test_an_unknown_section_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["bench", "--only", "thruput"]) == 2
    assert "thruput" in capsys.readouterr().err


def test_costs_are_measured_only_when_asked_for() -> None:
    assert set(SECTIONS) - set(ALWAYS) == {"costs"}
