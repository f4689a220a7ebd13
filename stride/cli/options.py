"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_HOME = Path(".stride")

HomeOption = Annotated[
    Path,
    typer.Option("--home", envvar="STRIDE_HOME", help="Folder for the stack's data, logs and secrets."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
