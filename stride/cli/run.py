"""From the command line to an exit code: no user ever sees a traceback (unless STRIDE_DEBUG=1)."""

import logging
import os

import typer
from typer.exceptions import TyperException

from stride.cli import exits
from stride.cli.app import app
from stride.cli.output import Output


def run(arguments: list[str]) -> int:
    """Runs one command and returns its exit code."""
    # Commands tell themselves what failed; the client library's word for "not yet" is an error.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    output = Output(as_json="--json" in arguments)
    try:
        code: object = app(arguments, prog_name="stride", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        output.error("Interrupted.", exits.INTERRUPTED)
        return exits.INTERRUPTED
    except Exception as error:
        if os.environ.get("STRIDE_DEBUG") == "1":
            raise
        code, message = _explain(error)
        output.error(message, code)
    return code if isinstance(code, int) else exits.OK


def _explain(error: Exception) -> tuple[int, str]:
    """The exit code of an error, and what to tell about it.

    Any error class of ours may say its own by an attribute `exit_code`.
    """
    if isinstance(error, TyperException):
        return error.exit_code, f"{error.format_message()} 'stride --help' shows what there is."
    code: object = getattr(error, "exit_code", None)
    if isinstance(code, int):
        return code, str(error)
    if isinstance(error, PermissionError):
        return exits.CONFIGURATION, f"No permission: {error}. Choose another folder with --home."
    if isinstance(error, OSError):
        return exits.UNAVAILABLE, f"The system refused: {error}. 'stride doctor' may tell why."
    told = f"{type(error).__name__}: {error}"
    return exits.BUG, f"Stride went wrong: {told}. STRIDE_DEBUG=1 shows where; please report it."
