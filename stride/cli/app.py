"""All commands at a glance."""

import typer

from stride.cli.lazy import lazy_commands

# To add a command: a file `stride/cli/NAME.py` with a function NAME, and a line here.
# A command with subcommands has a `typer.Typer` of that name instead.
COMMANDS = (
    "up",
    "demo",
    "send",
    "course",
    "rebuild",
    "dlq",
    "bench",
    "protocol",
    "doctor",
    "init",
    "account",
    "audit",
    "template",
    "contracts",
    "version",
)

app = typer.Typer(
    cls=lazy_commands("stride.cli", COMMANDS),
    help="Runs a clinic's courses of treatment as events: booked, followed, tapered, told.",
    epilog="Exit codes: 0 ok, 1 a check failed, 2 usage, 69 unavailable, 70 bug, 78 configuration.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def stride() -> None:
    """Without a callback typer would take a lone command for the whole application."""
