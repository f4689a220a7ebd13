"""`stride send`: files of CloudEvents and FHIR, handed in as a clinic system would."""

import os
import time
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from stride.cli import exits
from stride.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from stride.cli.output import Output
from stride.cli.reach import tokens_of, url_of
from stride.cli.send_files import NotSendable, files_of, posts_of
from stride.cli.send_posts import Tally, hand_in

_SYSTEM = "clinic-system"
_TIMEOUT_SECONDS = 120

_Paths = Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, or folders of files, sent by name.")]
_Url = Annotated[str, typer.Option("--url", envvar="STRIDE_URL", help="Where intake is. Default: this home's stack.")]
_Token = Annotated[str, typer.Option("--token", help="Bearer token. Default: STRIDE_TOKEN, or the home's tokens.txt.")]
_Clinic = Annotated[str, typer.Option("--clinic", help="Whose token of tokens.txt. Default: the first clinic there.")]


def send(
    paths: _Paths,
    *,
    url: _Url = "",
    token: _Token = "",
    clinic: _Clinic = "",
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> int:
    """Hands in CloudEvents and FHIR files, in the order of their names.

    Exit code 0: everything was answered, be it yes or a reasoned no; 1: a request failed; 69: no answer.
    """
    output = Output(as_json=json)
    files = files_of(paths)
    headers = {
        "authorization": f"Bearer {token or os.environ.get('STRIDE_TOKEN') or tokens_of(home, _SYSTEM, clinic)[0]}"
    }
    began = time.monotonic()
    tally = Tally()
    with httpx.Client(
        base_url=url or url_of(home, "intake"), headers=headers, timeout=_TIMEOUT_SECONDS, trust_env=False
    ) as http:
        _send_all(http, files, tally, output)
    _show(output, tally)
    if json:
        output.result(tally.as_json() | {"files": len(files), "seconds": round(time.monotonic() - began, 2)})
    return exits.FAILED if tally.failed else exits.OK


def _send_all(http: httpx.Client, files: list[Path], tally: Tally, output: Output) -> None:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=output.human, disable=not output.human.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=len(files))
        for file in files:
            progress.update(task, description=file.name)
            try:
                for post in posts_of(file):
                    hand_in(http, post, tally)
            except NotSendable as error:
                tally.failed.append({"origin": file.name, "status": 0, "reason": str(error)})
            progress.advance(task)


def _show(output: Output, tally: Tally) -> None:
    table = Table("answer", "count", "reason", title=f"{tally.requests} requests")
    table.add_row("accepted", str(tally.accepted), "")
    table.add_row("repeats", str(tally.repeats), "")
    for reason, count in tally.refused.most_common():
        table.add_row("refused", str(count), Text(reason))
    for failure in tally.failed:
        place = f"{failure['origin']}: {failure['status'] or ''} {failure['reason']}"
        table.add_row("failed", "1", Text(place), style="red")
    output.human.print(table)
