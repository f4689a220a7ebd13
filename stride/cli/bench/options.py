"""Options that several benches share."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated

import typer

QuickOption = Annotated[
    bool, typer.Option("--quick", help="At most three minutes on two cores, with less of everything.")
]
OnlyOption = Annotated[str, typer.Option("--only", help="Some of the sections; commas between.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Of what is measured.")]
ScratchOption = Annotated[
    Path | None, typer.Option("--scratch", help="Folder for the servers' data while the bench runs.")
]


def chosen_sections(only: str, known: Sequence[str], *, always: Collection[str] | None = None) -> list[str]:
    """The sections that `--only` names, in the bench's order; without it `always`, or all.

    Raises:
        BadParameter: there is no section of that name.
    """
    wanted = [name.strip() for name in only.split(",") if name.strip()]
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise typer.BadParameter(f"--only knows {', '.join(known)}; not {', '.join(unknown)}.")
    chosen = wanted or (known if always is None else always)
    return [name for name in known if name in chosen]
