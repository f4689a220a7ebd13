"""`stride bench notifications`: whether messages are sent once, in time, and whatever is killed."""

import tempfile
from pathlib import Path

from benchmarks.notifications.bench import FULL, QUICK, SECTIONS, Run, bench
from benchmarks.notifications.table import table
from stride.cli.bench.measuring import Figures, Shown, measured
from stride.cli.bench.options import OnlyOption, QuickOption, ScratchOption, SeedOption, chosen_sections
from stride.cli.options import JsonOption
from stride.cli.output import Output


def notifications(
    *,
    quick: QuickOption = False,
    only: OnlyOption = "",
    seed: SeedOption = 1,
    scratch: ScratchOption = None,
    json: JsonOption = False,
) -> None:
    """Sends messages from a real PostgreSQL to a real mail server, with timers, crowds, shuffled events and kills."""
    output, chosen = Output(as_json=json), chosen_sections(only, list(SECTIONS))
    with tempfile.TemporaryDirectory(prefix="stride-bench-", dir=scratch) as folder:

        async def work(shown: Shown) -> Figures:
            run = Run(Path(folder), QUICK if quick else FULL, seed, shown.step)
            return await bench(chosen, run, shown.begin)

        found = measured(output, len(chosen), work)
    output.human.print(table(found))
    if json:
        output.result({**found, "quick": quick})
