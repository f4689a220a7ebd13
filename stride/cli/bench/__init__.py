"""`stride bench`: figures, each beside its reference of the same run and its goal.

Without a subcommand the runtime is measured; `stride bench NAME` measures what one service decides.
"""

import typer

from stride.cli.bench.core import core
from stride.cli.lazy import lazy_commands

# To add a bench: `stride/cli/bench/NAME.py` with a function NAME (copy `scheduling.py`), and its name here.
BENCHES = ("scheduling", "progress", "notifications", "console")

bench = typer.Typer(
    name="bench",
    cls=lazy_commands("stride.cli.bench", BENCHES),
    invoke_without_command=True,
    add_completion=False,
)
bench.callback()(core)
