"""The `stride` command.

A command is one file here with one function, and one line in `app.py`.
"""

from stride.cli.run import main

__all__ = ["main"]
