"""How commands talk: people read the console, programs read one JSON object on standard output.

With `--json` everything for people goes to standard error, so that standard output is the object
and nothing else.
"""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.panel import Panel
from rich.progress import Progress as Bar
from rich.status import Status
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
    def progress(self, first: str) -> Generator["Progress"]:
        """Shows steps, from the first on: a spinner on a terminal, else a plain line each."""
        progress = Progress(self.human)
        progress(first)
        try:
            yield progress
        finally:
            progress.done()

    @contextmanager
    def bar(self, what: str, total: int) -> Generator[Callable[[str], None]]:
        """A bar that moves by one with each call, which says what is done; on no terminal a line for each `what`."""
        with Bar(console=self.human, transient=True) as shown:
            task, last = shown.add_task(what, total=total), ""

            def advance(step: str) -> None:
                nonlocal last
                if not self.human.is_terminal and step != last:
                    self.human.print(Text(step), soft_wrap=True)
                last = step
                shown.update(task, description=step, advance=1)

            yield advance

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
    """Tells each step once, until `done`; a later step begins anew."""

    def __init__(self, console: Console) -> None:
        self._console: Console = console
        self._spinner: Status | None = Status("", console=console) if console.is_terminal else None
        self._last: str = ""

    def __call__(self, step: str) -> None:
        if self._spinner is not None:
            self._spinner.update(Text(step))
            self._spinner.start()
        elif step != self._last:
            self._console.print(Text(step), soft_wrap=True)
        self._last = step

    def done(self) -> None:
        """Clears the spinner away."""
        if self._spinner is not None:
            self._spinner.stop()
