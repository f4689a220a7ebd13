"""The `stride` command.

A command is one file here with one function, and one line in `app.py`.
"""

import sys


def main() -> None:
    """The entry point of `stride`."""
    try:
        # Here, so that a Ctrl-C while Python still loads is no traceback either.
        from stride.cli.run import run  # noqa: PLC0415

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
