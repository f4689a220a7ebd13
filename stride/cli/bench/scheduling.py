"""`stride bench scheduling`: how well and how fast courses are booked."""

import tempfile
from pathlib import Path

from benchmarks.scheduling.bench import FULL, QUICK, SECTIONS, Run, bench
from benchmarks.scheduling.table import table
from stride.cli.bench.measuring import Figures, Shown, measured
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
    with tempfile.TemporaryDirectory(prefix="stride-bench-", dir=scratch) as folder:

        async def work(shown: Shown) -> Figures:
            run = Run(Path(folder), QUICK if quick else FULL, seed, shown.step)
            return await bench(chosen, run, shown.begin)

        found = measured(output, len(chosen), work)
    output.human.print(table(found))
    if json:
        output.result({**found, "quick": quick})
