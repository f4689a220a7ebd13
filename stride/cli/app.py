"""All commands at a glance."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

# To add a command: a file `stride/cli/NAME.py` with a function NAME, and a line here.
# A command with subcommands has a `typer.Typer` of that name instead.
COMMANDS = (
    "up",
    "demo",
    "send",
    "rebuild",
    "dlq",
    "bench",
    "doctor",
    "init",
    "contracts",
    "version",
)


class LazyCommands(TyperGroup):
    """Imports a command's file only when the command is used: `stride version` needs no Kafka."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"stride.cli.{cmd_name}"), cmd_name)
        if isinstance(command, typer.Typer):
            return get_command(command)
        single = typer.Typer(add_completion=False)
        single.command(cmd_name)(command)
        return get_command(single)


app = typer.Typer(
    cls=LazyCommands,
    help="Runs a clinic's courses of treatment as events: booked, followed, tapered, told.",
    epilog="Exit codes: 0 ok, 1 a check failed, 2 usage, 69 unavailable, 70 bug, 78 configuration.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def stride() -> None:
    """Without a callback typer would take a lone command for the whole application."""
