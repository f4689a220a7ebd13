"""`stride bench scheduling`: how well and how fast courses are booked."""

from pathlib import Path

from benchmarks.scheduling.bench import FULL, QUICK, SECTIONS, Run, bench
from benchmarks.scheduling.table import table
from stride.cli.bench.measuring import Figures, Shown, carry_out
from stride.cli.bench.options import OnlyOption, QuickOption, ScratchOption, SeedOption
from stride.cli.options import JsonOption


def scheduling(
    *,
    quick: QuickOption = False,
    only: OnlyOption = "",
    seed: SeedOption = 1,
    scratch: ScratchOption = None,
    json: JsonOption = False,
) -> None:
    """Books whole courses into made-up clinics, beside references, with scheduling's own code."""

    async def work(chosen: list[str], shown: Shown, folder: Path) -> Figures:
        return await bench(chosen, Run(folder, QUICK if quick else FULL, seed, shown.step), shown.begin)

    carry_out(list(SECTIONS), work, table, quick=quick, only=only, scratch=scratch, json=json)
