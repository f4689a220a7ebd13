"""`stride contracts`: the documents that are generated from the flow map and the event models."""

from enum import StrEnum
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


_Action = Annotated[Action, typer.Argument(help="check: fail when one is stale; write: renew them.")]


def contracts(action: _Action = Action.CHECK, *, json: JsonOption = False) -> int:
    """Checks or renews the JSON Schemas, the AsyncAPI document and README's diagram."""
    output = Output(as_json=json)
    changed = documents.write() if action is Action.WRITE else documents.stale()
    names = [str(path.relative_to(ROOT)) for path in changed]
    failed = action is Action.CHECK and bool(names)
    if json:
        output.result({"action": action, "documents": names, "ok": not failed})
    else:
        for name in names:
            output.human.print(f"{'stale' if failed else 'written'}: {name}", soft_wrap=True)
        output.human.print("Run `stride contracts write`." if failed else "All contracts agree with the code.")
    return exits.FAILED if failed else exits.OK
