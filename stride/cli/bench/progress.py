"""`stride bench progress`: how often progress is wrong, and how fast it is right."""

from benchmarks.progress.bench import FULL, QUICK, SECTIONS, Run, bench
from benchmarks.progress.table import tables
from stride.cli.bench.measuring import Figures, Shown, measured
from stride.cli.bench.options import OnlyOption, QuickOption, SeedOption, chosen_sections
from stride.cli.options import JsonOption
from stride.cli.output import Output


def progress(
    *, quick: QuickOption = False, only: OnlyOption = "", seed: SeedOption = 1, json: JsonOption = False
) -> None:
    """Judges simulated patients by progress' own code, beside simpler rules; the same seed gives the same figures."""
    output, chosen = Output(as_json=json), chosen_sections(only, list(SECTIONS))

    async def work(shown: Shown) -> Figures:
        return await bench(chosen, Run(QUICK if quick else FULL, seed, shown.step), shown.begin)

    found = measured(output, len(chosen), work)
    for table in tables(found):
        output.human.print(table)
    if json:
        output.result({**found, "quick": quick})
