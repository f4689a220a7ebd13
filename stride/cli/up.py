"""`stride up`: the whole stack in one command, until Ctrl-C."""

import asyncio
from typing import Annotated

import typer
from rich.text import Text

from stride.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from stride.cli.output import Output
from stride.cli.stack import run_stack, stack_settings
from stride.embedded import Addresses, Stack
from stride.embedded.home import Home

_Fresh = Annotated[bool, typer.Option("--fresh", help="Wipe the data of earlier runs first.")]
_ServersOnly = Annotated[
    bool, typer.Option("--servers-only", help="Only PostgreSQL, Kafka and the mail inbox, no services.")
]


def up(
    *,
    home: HomeOption = DEFAULT_HOME,
    fresh: _Fresh = False,
    servers_only: _ServersOnly = False,
    json: JsonOption = False,
) -> None:
    """Starts everything, prints the addresses, and stays until Ctrl-C."""
    output = Output(as_json=json)
    if fresh:
        _wipe(Home(home))

    async def stay(stack: Stack) -> None:
        progress.done()
        _show(output, stack.addresses)
        await asyncio.Event().wait()

    with output.progress("Starting") as progress:
        run_stack(home, stack_settings(servers_only=servers_only), stay, progress)


def _wipe(home: Home) -> None:
    with home.locked():
        home.wipe()


def _show(output: Output, addresses: Addresses) -> None:
    if output.as_json:
        output.result(as_json(addresses))
        return
    output.human.print("Stride is up. Ctrl-C stops it; the data stays for the next time.")
    rows = _rows(addresses)
    widest = max(len(name) for name, _ in rows)
    for name, address in rows:
        # Never wrapped: an address broken at the edge of the window could not be copied.
        line = Text.assemble((name.ljust(widest + 2), "bold"), address)
        output.human.print(line, soft_wrap=True)


def _rows(addresses: Addresses) -> list[tuple[str, str]]:
    services = [(f"{name} API", url) for name, url in addresses.services.items()]
    servers = [
        ("Mail page", addresses.mailbox),
        ("SMTP", addresses.smtp),
        ("Kafka", addresses.kafka_bootstrap),
        ("PostgreSQL", addresses.database_url),
        ("API tokens", str(addresses.tokens.with_name("tokens.txt"))),
        ("Console passwords", str(addresses.tokens.with_name("accounts.txt"))),
    ]
    return [row for row in (*services, *servers) if row[1]]


def as_json(addresses: Addresses) -> dict[str, object]:
    """The addresses as one object for programs."""
    return {
        "services": dict(addresses.services),
        "mailbox": addresses.mailbox,
        "smtp": addresses.smtp,
        "kafka_bootstrap": addresses.kafka_bootstrap,
        "database_url": addresses.database_url,
        "tokens": str(addresses.tokens),
    }
