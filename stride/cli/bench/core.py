"""`stride bench`: how fast Stride is."""

from pathlib import Path

import typer

from benchmarks.bench import ALWAYS, FULL, QUICK, SECTIONS, bench
from benchmarks.table import table
from stride.cli.bench.measuring import Figures, Shown, measured_in_folder
from stride.cli.bench.options import OnlyOption, QuickOption, ScratchOption, SeedOption, chosen_sections
from stride.cli.options import JsonOption
from stride.cli.output import Output


def core(
    context: typer.Context,
    *,
    quick: QuickOption = False,
    only: OnlyOption = "",
    seed: SeedOption = 1,
    scratch: ScratchOption = None,
    json: JsonOption = False,
) -> None:
    """Measures on servers of its own, with bare references in turns; needs the checkout, not only the package.

    Sections: throughput, intake, latency, growth, memory, scaling, peer, and costs only where it is named.
    """
    if context.invoked_subcommand:
        return
    output, chosen = Output(as_json=json), chosen_sections(only, list(SECTIONS), always=ALWAYS)

    async def work(shown: Shown, folder: Path) -> Figures:
        sizes = QUICK if quick else FULL
        return await bench(folder, chosen, sizes=sizes, seed=seed, report=shown.step, begin=shown.begin)

    found = measured_in_folder(output, len(chosen), scratch, work)
    output.human.print(table(found))
    if json:
        output.result({**found, "quick": quick})
