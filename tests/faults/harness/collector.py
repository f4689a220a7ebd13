"""The pytest plugin of `make faults`: picks the faults, follows them, keeps their verdicts."""

import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import pytest
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tests.faults.harness.judge import Verdict
from tests.faults.harness.progress import watch

_LOG_WIDTH = 140


@dataclass(frozen=True, slots=True)
class Result:
    """One fault that ran."""

    name: str
    verdict: Verdict
    passed: bool
    trouble: str = ""
    """Why it failed, as pytest tells it."""

    def how_again(self, seed: int, kills: int) -> str:
        """The failure and the command that runs this fault again with the same draws."""
        extra = f" --kills {kills}" if kills else ""
        return f"\n{self.trouble}\n\nAgain: make faults ARGS='--only {self.name} --seed {seed}{extra}'"


class Live:
    """What people see while the faults run: which one, for how long, and how far a long one is."""

    def __init__(self, *, quiet: bool, to_stderr: bool) -> None:
        self.console = Console(file=sys.stderr if to_stderr else sys.stdout)
        if not self.console.is_terminal:
            self.console = Console(file=self.console.file, width=_LOG_WIDTH)
        self._progress = Progress(
            *(SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
            *(TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn()),
            console=self.console,
            transient=True,
            disable=quiet or not self.console.is_terminal,
        )
        self._now = self._progress.add_task("Starting", total=None)
        self._began, self._told = time.monotonic(), 0

    def __enter__(self) -> Self:
        self._progress.start()
        watch(self.far)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        watch(None)

    def begins(self, name: str) -> None:
        """The next fault starts."""
        self._began, self._told = time.monotonic(), 0
        self._progress.reset(self._now, description=name, total=None)

    def far(self, done: int, total: int) -> None:
        """A long fault tells how far it is; where nobody sees a bar, one line for each tenth."""
        self._progress.update(self._now, completed=done, total=total)
        tenth = done * 10 // total
        if tenth > self._told and not self.console.is_terminal:
            spent = time.monotonic() - self._began
            self.console.print(
                f"     {done} of {total}, {spent:.0f} s, some {spent * (total - done) / done:.0f} s left"
            )
        self._told = tenth

    def ended(self, result: Result) -> None:
        """One line for each fault."""
        verdict, mark = result.verdict, "[green]ok  [/]" if result.passed else "[red]FAIL[/]"
        rate = f" ({verdict.kills * 60 / verdict.seconds:.0f} a minute)" if verdict.kills and verdict.seconds else ""
        cost = f"{verdict.sent:,} sent, {verdict.kills:,} kills{rate}, {verdict.seconds:.1f} s"
        self.console.print(f"{mark} {result.name}: {cost}", highlight=False)


class Collector:
    """Runs only what carries `fault(name)`, and of these only `only` (all where it is empty)."""

    def __init__(self, only: list[str], live: Live) -> None:
        self.listed: list[tuple[str, str, bool]] = []
        """(name, what it says of itself, whether `make test` runs it too)"""
        self.results: list[Result] = []
        self.errors: list[str] = []
        self._only = only
        self._live = live
        self._trouble: dict[str, str] = {}
        self._began = 0.0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if not self._only or _name(item) in self._only]
        for item in items:
            said = (getattr(getattr(item, "function", None), "__doc__", "") or item.name.removeprefix("test_")).strip()
            fast = item.get_closest_marker("slow_fault") is None
            self.listed.append((_name(item), said.splitlines()[0].replace("_", " "), fast))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.errors.append(report.longreprtext)

    def pytest_runtest_logstart(self) -> None:
        self._began = time.monotonic()

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self._live.begins(_name(item))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.failed:
            self._trouble[_name(item)] = report.longreprtext
        if report.when == "teardown":
            self._keep(item)
        return report

    def _keep(self, item: pytest.Item) -> None:
        name = _name(item)
        given = dict(item.user_properties).get("verdict")
        seconds = round(time.monotonic() - self._began, 1)
        verdict = given if isinstance(given, Verdict) else Verdict(name, 0, seconds=seconds)
        trouble = self._trouble.pop(name, "")
        if trouble and not verdict.problem and verdict.clean:
            verdict.problem = trouble.strip().splitlines()[-1][:200]
        self.results.append(Result(name, verdict, not trouble, trouble))
        self._live.ended(self.results[-1])


def _name(item: pytest.Item) -> str:
    mark = item.get_closest_marker("fault")
    return str(mark.args[0]) if mark else item.name
