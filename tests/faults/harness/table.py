"""The faults as a table for people and as one JSON object for programs."""

import json
from collections.abc import Sequence

from rich.table import Table

from tests.faults.harness.collector import Result

_COLUMNS = ("kills", "sent", "lost", "duplicated", "out_of_order", "resent", "parked")


def table(results: Sequence[Result]) -> Table:
    """One line a fault, and their sum."""
    shown = Table(title="What each fault cost", caption="resent: twice on the log under one id; readers take the first")
    shown.add_column("fault", no_wrap=True)
    for name in (*_COLUMNS, "seconds"):
        shown.add_column(name.replace("_", " "), justify="right")
    shown.add_column("verdict")
    for result in results:
        figures = [f"{getattr(result.verdict, name):,}" for name in _COLUMNS]
        verdict = "[green]survived[/]" if result.passed else f"[red]FAILED[/] {result.verdict.problem[:60]}"
        shown.add_row(result.name, *figures, f"{result.verdict.seconds:.1f}", verdict)
    shown.add_section()
    seconds = sum(result.verdict.seconds for result in results)
    failed = sum(not result.passed for result in results)
    sums = [f"{_sum(results, name):,}" for name in _COLUMNS]
    shown.add_row(f"{len(results)} faults", *sums, f"{seconds:.1f}", f"{failed} failed")
    return shown


def as_json(results: Sequence[Result]) -> str:
    """The sums, and every verdict in `list`."""
    sums = {name: _sum(results, name) for name in ("kills", "sent", "lost", "duplicated", "out_of_order")}
    every = [result.verdict.as_json() | {"passed": result.passed} for result in results]
    failed = sum(not result.passed for result in results)
    return json.dumps({"faults": len(results), **sums, "failed": failed, "list": every})


def listing(listed: Sequence[tuple[str, str, bool]]) -> Table:
    """The faults by name."""
    shown = Table(title=f"{len(listed)} faults")
    for name in ("fault", "make test", "what happens"):
        shown.add_column(name)
    for name, said, fast in listed:
        shown.add_row(name, "yes" if fast else "", said)
    return shown


def _sum(results: Sequence[Result], name: str) -> int:
    return sum(getattr(result.verdict, name) for result in results)
