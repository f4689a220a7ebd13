"""`stride bench notifications`: whether messages are sent once, in time, and whatever is killed."""

from pathlib import Path

from benchmarks.notifications.bench import FULL, QUICK, SECTIONS, Run, bench
from benchmarks.notifications.table import table
from stride.cli.bench.measuring import Figures, Shown, carry_out
from stride.cli.bench.options import OnlyOption, QuickOption, ScratchOption, SeedOption
from stride.cli.options import JsonOption


def notifications(
    *,
    quick: QuickOption = False,
    only: OnlyOption = "",
    seed: SeedOption = 1,
    scratch: ScratchOption = None,
    json: JsonOption = False,
) -> None:
    """Sends messages from a real PostgreSQL to a real mail server, with timers, crowds, shuffled events and kills."""

    async def work(chosen: list[str], shown: Shown, folder: Path) -> Figures:
        return await bench(chosen, Run(folder, QUICK if quick else FULL, seed, shown.step), shown.begin)

    carry_out(list(SECTIONS), work, table, quick=quick, only=only, scratch=scratch, json=json)
