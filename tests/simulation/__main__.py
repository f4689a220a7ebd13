"""`python -m tests.simulation`: explore many seeds, crash everywhere, or replay one run with its schedule."""

import json
import time
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.simulation.explore import Run, crashed_once, crashed_twice, report, seeds, simulate
from tests.simulation.scenario import drawn, named_small, small

_SHOWN = 3
_out = Console(markup=False, highlight=False, soft_wrap=True)


def main(
    *,
    seed: Annotated[int | None, typer.Option(help="Replay this seed and print its schedule.")] = None,
    sizes: Annotated[str, typer.Option("--small", help="Replay a small scenario, for instance 1x3.")] = "",
    crashes: Annotated[str, typer.Option(help="With --small: crash at these steps, for instance 17,40.")] = "",
    count: Annotated[int, typer.Option("--seeds", help="Explore this many seeds.")] = 1_000,
    first: Annotated[int, typer.Option(help="The first of them.")] = 0,
    everywhere: Annotated[bool, typer.Option(help="Crash at each await of a small run, and at each pair.")] = False,
    lines: Annotated[int, typer.Option(help="How much of a schedule to print.")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="The last line is JSON.")] = False,
) -> None:
    """Look for a schedule that loses, repeats or reorders; the exit code is 1 if there is one."""
    if seed is not None or sizes:
        one = simulate(drawn(seed) if seed is not None else replace(named_small(sizes), crashes=_steps(crashes)))
        _out.print(report(one, lines) if one.faults else _good(one, lines))
        raise typer.Exit(bool(one.faults))
    runs = chain(crashed_once(small(members=2, events=3)), crashed_twice(small(members=1, events=1, poison=False)))
    failed = _explore(runs if everywhere else seeds(first, count), None if everywhere else count, as_json=as_json)
    raise typer.Exit(bool(failed))


def _explore(runs: Iterable[Run], total: int | None, *, as_json: bool) -> list[str]:
    begun, steps, done = time.perf_counter(), 0, 0
    failed: list[str] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("schedules", total=total)
        for done, run in enumerate(runs, 1):
            steps += run.steps
            if run.faults:
                failed.append(run.scenario.name)
                if len(failed) <= _SHOWN:
                    progress.console.print(report(run), markup=False, highlight=False, soft_wrap=True)
            rate = done / (time.perf_counter() - begun)
            progress.update(bar, completed=done, description=f"{len(failed)} failed, {rate:.0f} schedules/s")
    seconds = time.perf_counter() - begun
    _out.print(f"{done} schedules, {steps} steps, {done / seconds:.0f} schedules/s, {len(failed)} failed")
    if as_json:
        figures = {"schedules": done, "steps": steps, "per_s": round(done / seconds, 1), "failed": failed}
        _out.print(json.dumps(figures))
    return failed


def _good(run: Run, lines: int) -> str:
    schedule = [f"  {at:10.4f}  {process:<12} {what}" for at, process, what in run.trace[-lines:]]
    return "\n".join([*schedule, f"{run.scenario.name}: every promise kept, {run.steps} steps, digest {run.digest:x}"])


def _steps(crashes: str) -> frozenset[int]:
    return frozenset(int(step) for step in crashes.split(",") if step)


if __name__ == "__main__":
    typer.run(main)
