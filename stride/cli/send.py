"""`stride send`: files of CloudEvents, FHIR and calendars, handed in as a clinic system would."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from shared.clock import SystemClock
from stride.cli import exits
from stride.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from stride.cli.output import Output
from stride.cli.reach import tokens_of, url_of
from stride.cli.send_files import NotSendable, Post, files_of, posts_of
from stride.cli.send_posts import Tally, hand_in

_SYSTEM = "clinic-system"
_TIMEOUT_SECONDS = 120

_Paths = Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, or folders of files, sent by name.")]
_Url = Annotated[str, typer.Option("--url", envvar="STRIDE_URL", help="Where intake is. Default: this home's stack.")]
_Token = Annotated[str, typer.Option("--token", help="Bearer token. Default: STRIDE_TOKEN, or the home's tokens.txt.")]
_Clinic = Annotated[
    str,
    typer.Option(
        "--clinic", help="Whose token of tokens.txt. Default: the clinic's that the file names, or the first."
    ),
]
_DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Reads and checks the files, tells what is in them; sends nothing.")
]
_Withdraw = Annotated[bool, typer.Option("--withdraw", help="Takes back the calendars that these files gave.")]


def send(
    paths: _Paths,
    *,
    dry_run: _DryRun = False,
    withdraw: _Withdraw = False,
    url: _Url = "",
    token: _Token = "",
    clinic: _Clinic = "",
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> int:
    """Hands in CloudEvents, FHIR and calendars (iCalendar, YAML), in the order of their names.

    Exit code 0: everything was answered, be it yes or a reasoned no; 1: a request failed, or a file is wrong; 69: no
    answer.
    """
    output = Output(as_json=json)
    files = files_of(paths)
    given = token or os.environ.get("STRIDE_TOKEN")
    began, tally = time.monotonic(), Tally()
    found = _posts(files, tally, output, withdraw=withdraw)
    if dry_run:
        return _look(list(found), tally, output, len(files))
    with httpx.Client(base_url=url or url_of(home, "intake"), timeout=_TIMEOUT_SECONDS, trust_env=False) as http:
        for post in found:
            hand_in(http, post, given or tokens_of(home, _SYSTEM, clinic or post.clinic)[0], tally)
    _show(output, tally)
    if json:
        output.result(tally.as_json() | {"files": len(files), "seconds": round(time.monotonic() - began, 2)})
    return exits.FAILED if tally.failed else exits.OK


def _posts(files: list[Path], tally: Tally, output: Output, *, withdraw: bool) -> Iterator[Post]:
    """What the files bring, one after another; those that are wrong are noted as failed."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    now = SystemClock().now()
    with Progress(*columns, console=output.human, disable=not output.human.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=len(files))
        for file in files:
            progress.update(task, description=file.name)
            try:
                yield from posts_of(file, now, withdraw=withdraw)
            except NotSendable as error:
                tally.failed.append({"origin": file.name, "status": 0, "reason": str(error)})
            progress.advance(task)


def _look(posts: list[Post], tally: Tally, output: Output, files: int) -> int:
    """Tell what would be sent."""
    table = Table("file", "clinic", "what is in it", title=f"{len(posts)} requests; nothing was sent")
    for post in posts:
        table.add_row(Text(post.origin), post.clinic, Text("\n".join(post.says)))
    _add_failed(table, tally)
    output.human.print(table)
    if output.as_json:
        told = [{"origin": post.origin, "clinic": post.clinic, "says": post.says} for post in posts]
        output.result({"dry_run": True, "files": files, "requests": told, "failed": tally.failed})
    return exits.FAILED if tally.failed else exits.OK


def _show(output: Output, tally: Tally) -> None:
    table = Table("answer", "count", "reason", title=f"{tally.requests} requests")
    table.add_row("accepted", str(tally.accepted), "")
    table.add_row("repeats", str(tally.repeats), "")
    for reason, count in tally.refused.most_common():
        table.add_row("refused", str(count), Text(reason))
    _add_failed(table, tally)
    output.human.print(table)


def _add_failed(table: Table, tally: Tally) -> None:
    for failure in tally.failed:
        status = f"{failure['status']} " if failure["status"] else ""
        reason = str(failure["reason"]).removeprefix(f"{failure['origin']}: ")
        place = f"{failure['origin']}: {status}{reason}"
        table.add_row("failed", "1", Text(place), style="red")
