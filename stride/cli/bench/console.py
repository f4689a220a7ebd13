"""`stride bench console`: how fast pages come, how soon they show what happened, and whether all can use them."""

from pathlib import Path

from benchmarks.console.bench import FULL, QUICK, SECTIONS, Run, bench
from benchmarks.console.table import table
from stride.cli.bench.measuring import Figures, Shown, measured_in_folder
from stride.cli.bench.options import OnlyOption, QuickOption, ScratchOption, SeedOption, chosen_sections
from stride.cli.options import JsonOption
from stride.cli.output import Output


def console(
    *,
    quick: QuickOption = False,
    only: OnlyOption = "",
    seed: SeedOption = 1,
    scratch: ScratchOption = None,
    json: JsonOption = False,
) -> None:
    """Asks for pages over 100,000 courses, and watches alerts appear in a real browser."""
    output, chosen = Output(as_json=json), chosen_sections(only, list(SECTIONS))

    async def work(shown: Shown, folder: Path) -> Figures:
        return await bench(chosen, Run(folder, QUICK if quick else FULL, seed, shown.step), shown.begin)

    found = measured_in_folder(output, len(chosen), scratch, work)
    output.human.print(table(found))
    if json:
        output.result({**found, "quick": quick})
