"""What every bench does around its work: a progress bar, and a clean end on Ctrl-C or SIGTERM."""

import asyncio
import signal
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from stride.cli import exits
from stride.cli.bench.options import chosen_sections
from stride.cli.output import Output

Figures = dict[str, Any]


class Shown:
    """A bar over the sections on a terminal, else a line for each."""

    def __init__(self, output: Output, bar: Progress, sections: int) -> None:
        self._human, self._bar = output.human, bar
        self._task = bar.add_task("Starting", total=sections)
        self._begun = 0

    def begin(self, section: str) -> None:
        """The next section starts."""
        self._bar.update(self._task, completed=self._begun, description=section)
        self._begun += 1
        if self._bar.disable:
            self._human.print(f"Measuring {section}")

    def step(self, told: str) -> None:
        """What is being done within the section."""
        self._bar.update(self._task, description=told)

    def end(self) -> None:
        """All sections are done."""
        self._bar.update(self._task, completed=self._begun)


def measured(output: Output, sections: int, work: Callable[[Shown], Coroutine[Any, Any, Figures]]) -> Figures:
    """The figures that `work` finds, while a bar over its `sections` shows how far it is.

    Raises:
        Exit: it was interrupted; nothing is left behind.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=output.human, transient=True, disable=not output.human.is_terminal)
    with bar:
        shown = Shown(output, bar, sections)
        found = asyncio.run(_until_told(work(shown)))
        shown.end()
    if found is None:
        output.error("Interrupted: nothing is left behind.", exits.INTERRUPTED)
        raise typer.Exit(exits.INTERRUPTED)
    return found


def measured_in_folder(
    output: Output, sections: int, scratch: Path | None, work: Callable[[Shown, Path], Coroutine[Any, Any, Figures]]
) -> Figures:
    """As `measured`, with a folder in `scratch` for the servers' data that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="stride-bench-", dir=scratch) as folder:
        return measured(output, sections, lambda shown: work(shown, Path(folder)))


def carry_out(
    sections: Sequence[str],
    work: Callable[[list[str], Shown, Path], Coroutine[Any, Any, Figures]],
    table: Callable[[Figures], Table],
    *,
    quick: bool,
    only: str,
    scratch: Path | None,
    json: bool,
) -> None:
    """A whole bench command: `work` on the chosen of its `sections`, then the table, and the figures as JSON."""
    output, chosen = Output(as_json=json), chosen_sections(only, sections)
    found = measured_in_folder(output, len(chosen), scratch, lambda shown, folder: work(chosen, shown, folder))
    output.human.print(table(found))
    if json:
        output.result({**found, "quick": quick})


async def _until_told(work: Coroutine[Any, Any, Figures]) -> Figures | None:
    """The work's figures; None when Ctrl-C or SIGTERM ended it. Either way nothing is left behind."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return None
