"""`stride bench scheduling`: how well and how fast courses are booked."""

from pathlib import Path

from benchmarks.scheduling.bench import FULL, QUICK, SECTIONS, Run, bench
from benchmarks.scheduling.table import table
from stride.cli.bench.measuring import Figures, Shown, measured_in_folder
from stride.cli.bench.options import OnlyOption, QuickOption, ScratchOption, SeedOption, chosen_sections
from stride.cli.options import JsonOption
from stride.cli.output import Output


def scheduling(
    *,
    quick: QuickOption = False,
    only: OnlyOption = "",
    seed: SeedOption = 1,
    scratch: ScratchOption = None,
    json: JsonOption = False,
) -> None:
    """Books whole courses into made-up clinics, beside references, with scheduling's own code."""
    output, chosen = Output(as_json=json), chosen_sections(only, list(SECTIONS))

    async def work(shown: Shown, folder: Path) -> Figures:
        return await bench(chosen, Run(folder, QUICK if quick else FULL, seed, shown.step), shown.begin)

    found = measured_in_folder(output, len(chosen), scratch, work)
    output.human.print(table(found))
    if json:
        output.result({**found, "quick": quick})
