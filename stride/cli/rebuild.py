"""`stride rebuild`: a service's state anew from the log, compared with the running one or put in its place."""

import asyncio
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from shared.flow import FLOW
from shared.rebuild.building import Subject
from shared.rebuild.deciding import Progress as Tell
from shared.rebuild.outcome import Rebuilt
from shared.rebuild.rebuilding import open_rebuilding
from shared.settings import Settings
from stride.cli import exits
from stride.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from stride.cli.output import Output
from stride.embedded.addresses import Addresses

_Service = Annotated[str, typer.Argument(metavar="SERVICE", help=f"One of {', '.join(FLOW)}.")]
_Swap = Annotated[bool, typer.Option("--swap", help="Then put the rebuilt state in the running one's place.")]
_New = Annotated[bool, typer.Option("--publish-new", help="Swap although facts will leave that were never published.")]
_Keep = Annotated[bool, typer.Option("--keep", help="Leave the rebuilt schema in the database.")]
_Old = Annotated[bool, typer.Option("--drop-old", help="After the swap, drop the state that was replaced.")]


class NoSuchService(Exception):
    """The map has no service of that name, or nothing says where the servers are."""

    exit_code = exits.USAGE


def rebuild(
    service: _Service,
    *,
    compare: Annotated[bool, typer.Option("--compare", help="Compare only. This is the default.")] = False,
    swap: _Swap = False,
    publish_new: _New = False,
    keep: _Keep = False,
    drop_old: _Old = False,
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> int:
    """Builds a service's state anew from the log, beside the running one, and compares the two.

    Exit code 0: they are the same (or were swapped); 1: they differ, or may not be swapped.
    """
    if compare and swap:
        raise NoSuchService("--compare changes nothing and --swap does: give one of them.")
    output = Output(as_json=json)
    subject = _subject(service, home)
    with _bar(output) as tell:
        rebuilt = asyncio.run(_rebuild(subject, tell, swap=swap, publish_new=publish_new, keep=keep, drop_old=drop_old))
    _show(output, rebuilt, drop_old=drop_old)
    if json:
        output.result(_as_json(rebuilt))
    return exits.OK if rebuilt.same or rebuilt.old_schema else exits.FAILED


async def _rebuild(
    subject: Subject, tell: Tell, *, swap: bool, publish_new: bool, keep: bool, drop_old: bool
) -> Rebuilt:
    async with open_rebuilding(subject, tell) as rebuilding:
        try:
            await rebuilding.build()
            rebuilt = await rebuilding.compare()
            if swap:
                rebuilt = await rebuilding.swap(rebuilt, publish_new=publish_new)
            if drop_old and rebuilt.old_schema:
                await rebuilding.drop(rebuilt.old_schema)
            return rebuilt
        finally:
            if not keep:
                await rebuilding.drop()


def _subject(name: str, home: Path) -> Subject:
    if name not in FLOW:
        raise NoSuchService(f"There is no service {name!r}. There are: {', '.join(FLOW)}.")
    service = import_module(f"services.{name}.main").SERVICE
    read_back = import_module(f"services.{name}.read_back").READ_BACK
    return Subject(service, read_back, _settings(home, os.environ))


def _settings(home: Path, environment: Mapping[str, str]) -> Settings:
    """Where the servers are: as the environment says, or as the stack of this home has left it."""
    saved = Addresses.load(home)
    known = {**(saved.environment() if saved else {}), **environment}
    if not known.get("KAFKA_BOOTSTRAP") or not known.get("DATABASE_URL"):
        raise NoSuchService(
            f"{home} has no stack that says where Kafka and PostgreSQL are: "
            "set KAFKA_BOOTSTRAP and DATABASE_URL, give --home, or run `stride up`."
        )
    wanted = {
        name.lower(): known[name] for name in ("KAFKA_BOOTSTRAP", "DATABASE_URL", "STRIDE_TOKENS") if name in known
    }
    return Settings(**wanted)  # pyright: ignore[reportArgumentType]  # text, as from the environment


@contextmanager
def _bar(output: Output) -> Generator[Tell]:
    columns = (TextColumn("records"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=output.human, disable=not output.human.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=None)

        def tell(applied: int, total: int) -> None:
            progress.update(task, completed=applied, total=total)

        yield tell


def _show(output: Output, rebuilt: Rebuilt, *, drop_old: bool) -> None:
    table = Table("table", "rows", "only running", "only rebuilt", "different", title=f"{rebuilt.service} rebuilt")
    for row in rebuilt.tables:
        style = None if row.same else "red"
        counts = (row.rows, row.only_running, row.only_rebuilt, row.different)
        table.add_row(row.table, *map(str, counts), style=style)
    output.human.print(table)
    for row in rebuilt.tables:
        for example in row.examples:
            columns = f" ({', '.join(example['columns'])})" if "columns" in example else ""
            key = " ".join(map(str, example["key"].values()))
            output.human.print(f"{row.table} {example['side']}: {key}{columns}", soft_wrap=True, markup=False)
    facts = ", ".join(f"{count} {name}" for name, count in rebuilt.facts.items() if name != "ids")
    output.human.print(f"{rebuilt.records} records; facts: {facts}; stood still {rebuilt.still_seconds:.2f} s.")
    if rebuilt.old_schema:
        output.human.print(f"Swapped in {rebuilt.swapped_seconds:.2f} s.")
        if not drop_old:
            output.human.print(f"The old state is kept: DROP SCHEMA {rebuilt.old_schema} CASCADE removes it.")


def _as_json(rebuilt: Rebuilt) -> dict[str, Any]:
    tables = [table.as_json() for table in rebuilt.tables]
    return asdict(rebuilt) | {"same": rebuilt.same, "tables": tables}
