"""`stride bench console`: how fast pages come, how soon they show what happened, and whether all can use them."""

from pathlib import Path

from benchmarks.console.bench import FULL, QUICK, SECTIONS, Run, bench
from benchmarks.console.table import table
from stride.cli.bench.measuring import Figures, Shown, carry_out
from stride.cli.bench.options import OnlyOption, QuickOption, ScratchOption, SeedOption
from stride.cli.options import JsonOption


def console(
    *,
    quick: QuickOption = False,
    only: OnlyOption = "",
    seed: SeedOption = 1,
    scratch: ScratchOption = None,
    json: JsonOption = False,
) -> None:
    """Asks for pages over 100,000 courses, and watches alerts appear in a real browser."""

    async def work(chosen: list[str], shown: Shown, folder: Path) -> Figures:
        return await bench(chosen, Run(folder, QUICK if quick else FULL, seed, shown.step), shown.begin)

    carry_out(list(SECTIONS), work, table, quick=quick, only=only, scratch=scratch, json=json)
