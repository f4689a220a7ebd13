"""`stride doctor`: what is wrong here, and how to mend it."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.table import Table
from rich.text import Text

from stride.cli import exits
from stride.cli.checks.finding import Check
from stride.cli.checks.folders import folder_checks
from stride.cli.checks.installation import installation_checks
from stride.cli.checks.machine import machine_checks
from stride.cli.checks.running import running_checks
from stride.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from stride.cli.output import Output
from stride.embedded.addresses import External

_MARKS = {"ok": ("ok", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "bold red")}


def doctor(*, home: HomeOption = DEFAULT_HOME, json: JsonOption = False) -> None:
    """Checks machine, installation and running stack within ten seconds; changes nothing."""
    output = Output(as_json=json)
    answers = asyncio.run(_ask(_checks(home)))
    failed = sum(answer["status"] == "fail" for answer in answers)
    if json:
        output.result({"ok": not failed, "failed": failed, "checks": answers})
    else:
        output.human.print(_table(answers))
        output.human.print(f"{len(answers)} checks, {failed} failed")
    raise typer.Exit(exits.FAILED if failed else exits.OK)


def _checks(home: Path) -> list[Check]:
    external = External.from_environment(os.environ)
    return [*machine_checks(), *installation_checks(), *folder_checks(home), *running_checks(home, external)]


async def _ask(checks: Sequence[Check]) -> list[dict[str, object]]:
    return await asyncio.gather(*(check.answer() for check in checks))


def _table(answers: Sequence[dict[str, object]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("Check", "", "Detail", "To mend it"):
        table.add_column(title, overflow="fold")
    for answer in answers:
        mark, style = _MARKS[str(answer["status"])]
        cells = (answer["check"], answer["detail"], answer["fix"])
        name, detail, fix = (Text(str(cell)) for cell in cells)
        table.add_row(name, Text(mark, style=style), detail, fix)
    return table
