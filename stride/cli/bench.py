"""`stride bench`: how fast Stride is, each figure beside its reference of the same run."""

import asyncio
import signal
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.bench import ALWAYS, FULL, QUICK, SECTIONS, Figures
from benchmarks.bench import bench as measure
from benchmarks.table import table
from stride.cli import exits
from stride.cli.options import JsonOption
from stride.cli.output import Output

_Quick = Annotated[bool, typer.Option("--quick", help="At most three minutes on two cores, with less of everything.")]
_Only = Annotated[str, typer.Option("--only", help=f"Some of {','.join(SECTIONS)}; commas between.")]
_Seed = Annotated[int, typer.Option("--seed", help="Of the facts that are measured.")]
_Scratch = Annotated[Path | None, typer.Option("--scratch", help="Folder for the servers' data while it runs.")]


def bench(
    *, quick: _Quick = False, only: _Only = "", seed: _Seed = 1, scratch: _Scratch = None, json: JsonOption = False
) -> None:
    """Measures on servers of its own, with bare references in turns; needs the checkout, not only the package."""
    output, chosen = Output(as_json=json), _chosen(only)
    with _bar(output) as bar, tempfile.TemporaryDirectory(prefix="stride-bench-", dir=scratch) as folder:
        shown = _Shown(output, bar, len(chosen))
        sizes = QUICK if quick else FULL
        found = asyncio.run(
            _until_told(measure(Path(folder), chosen, sizes=sizes, seed=seed, report=shown.step, begin=shown.begin))
        )
        shown.end()
    if found is None:
        output.error("Interrupted: nothing is left behind.", exits.INTERRUPTED)
        raise typer.Exit(exits.INTERRUPTED)
    output.human.print(table(found))
    if json:
        output.result({**found, "quick": quick})


def _chosen(only: str) -> list[str]:
    wanted = [name.strip() for name in only.split(",") if name.strip()]
    unknown = sorted(set(wanted) - set(SECTIONS))
    if unknown:
        raise typer.BadParameter(f"--only knows {', '.join(SECTIONS)}; not {', '.join(unknown)}.")
    return [name for name in SECTIONS if name in wanted] if wanted else list(ALWAYS)


async def _until_told(work: Coroutine[Any, Any, Figures]) -> Figures | None:
    """The work's figures; None when Ctrl-C or SIGTERM ended it. Either way nothing is left behind."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return None


def _bar(output: Output) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=output.human, transient=True, disable=not output.human.is_terminal)


class _Shown:
    """A bar over the sections on a terminal, else a line for each."""

    def __init__(self, output: Output, bar: Progress, sections: int) -> None:
        self._human, self._bar = output.human, bar
        self._task = bar.add_task("Starting the servers", total=sections)
        self._begun = 0

    def begin(self, section: str) -> None:
        self._bar.update(self._task, completed=self._begun, description=section)
        self._begun += 1
        if self._bar.disable:
            self._human.print(f"Measuring {section}")

    def step(self, told: str) -> None:
        self._bar.update(self._task, description=told)

    def end(self) -> None:
        self._bar.update(self._task, completed=self._begun)
