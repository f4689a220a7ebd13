"""Options that the commands about courses share."""

from typing import Annotated

import typer

from stride.cli import exits

PlanArgument = Annotated[str, typer.Argument(metavar="PLAN", help="The plan's id.")]
UrlOption = Annotated[str, typer.Option("--url", help="Where the service answers. Default: this home's stack.")]
TokenOption = Annotated[
    str, typer.Option("--token", envvar="STRIDE_TOKEN", help="Bearer token. Default: the home's tokens.txt.")
]
ClinicOption = Annotated[str, typer.Option("--clinic", help="Whose token of tokens.txt. Default: each in turn.")]


class NoSuchCourse(Exception):
    """No clinic whose token we have has a course of that id."""

    exit_code = exits.FAILED
