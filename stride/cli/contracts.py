"""`stride contracts`: the documents that are generated from the flow map and the event models."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from shared.settings import ROOT
from stride import contracts as documents
from stride.cli import exits
from stride.cli.options import JsonOption
from stride.cli.output import Output


class Action(StrEnum):
    """What to do about them."""

    CHECK = "check"
    WRITE = "write"


_Action = Annotated[
    Action,
    typer.Argument(help="check: fail when one is stale, or a model breaks what was published; write: renew them."),
]


def contracts(action: _Action = Action.CHECK, *, json: JsonOption = False) -> int:
    """Checks or renews the JSON Schemas, the AsyncAPI document and README's diagram.

    A published revision of a schema is never changed: a changed model gets the next one, if
    readers and writers of all revisions still understand each other.
    """
    output = Output(as_json=json)
    problems = documents.problems()
    changed = [] if problems else _changed(action)
    names = [str(path.relative_to(ROOT)) for path in changed]
    failed = bool(problems) or (action is Action.CHECK and bool(names))
    if json:
        output.result({"action": action, "documents": names, "problems": problems, "ok": not failed})
    else:
        _say(output, action, names, problems)
    return exits.FAILED if failed else exits.OK


def _changed(action: Action) -> list[Path]:
    return documents.write() if action is Action.WRITE else documents.stale()


def _say(output: Output, action: Action, names: list[str], problems: list[str]) -> None:
    for problem in problems:
        output.human.print(problem, soft_wrap=True, markup=False)
    for name in names:
        output.human.print(f"{'written' if action is Action.WRITE else 'stale'}: {name}", soft_wrap=True)
    if problems:
        output.human.print("Nothing was written. Published revisions are for ever (CONTRIBUTING.md, A changed event).")
    elif names and action is Action.CHECK:
        output.human.print("Run `stride contracts write`.")
    else:
        output.human.print("All contracts agree with the code.")
