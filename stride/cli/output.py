"""How commands talk: people read the console, programs read one JSON object on standard output.

With `--json` everything for people goes to standard error, so that standard output is the object
and nothing else.
"""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.panel import Panel
from rich.text import Text


class Output:
    """The voice of one command."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json: bool = as_json
        self.human: Console = Console(stderr=as_json)
        self._machine: Console = Console(soft_wrap=True, highlight=False, markup=False)

    def result(self, content: object) -> None:
        """One JSON object on one line; the last thing a command says with `--json`."""
        self._machine.out(json.dumps(content, default=str), highlight=False)

    @contextmanager
    def progress(self, title: str) -> Generator["Progress"]:
        """Shows steps: a spinner on a terminal, else a plain line each."""
        if not self.human.is_terminal:
            yield Progress(self.human, None)
            return
        with self.human.status(title) as status:
            yield Progress(self.human, lambda step: status.update(Text(step)))

    def error(self, message: str, exit_code: int) -> None:
        """What was wrong, where and how to mend it, for people and for programs."""
        complaint = Console(stderr=True)
        if complaint.is_terminal:
            complaint.print(Panel(Text(message), title="Error", border_style="red", title_align="left"))
        else:
            complaint.print(Text(f"Error: {message}"), soft_wrap=True)
        if self.as_json:
            self.result({"error": message, "exit_code": exit_code})


class Progress:
    """Tells each step once."""

    def __init__(self, console: Console, show: Callable[[str], None] | None) -> None:
        self._console: Console = console
        self._show: Callable[[str], None] | None = show
        self._last: str = ""

    def __call__(self, step: str) -> None:
        if self._show is not None:
            self._show(step)
        elif step != self._last:
            self._console.print(Text(step), soft_wrap=True)
        self._last = step
