"""Notifications' figures for people, each beside its goal."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from benchmarks.lines import Line, at_most, drawn


def table(found: Mapping[str, Any]) -> Table:
    """All figures that were measured."""
    return drawn("stride bench notifications", _lines(found))


def _lines(found: Mapping[str, Any]) -> Iterator[Line]:
    if "claims_per_s" in found:
        yield Line(f"timers fired, judged and claimed, {found['pending']:,} waiting", f"{found['claims_per_s']:,}/s")
    for name, (what, goal, unit) in _AT_MOST.items():
        if name in found:
            yield at_most(what, found[name], goal, unit)
    if "unknown" in found:
        yield Line(f"messages whose fate nobody can know, after {found['kills']} kills", str(found["unknown"]))


_AT_MOST = {
    "lateness_p99_s": ("lateness of a timer, p99", 2, "s"),
    "backlog_s": ("a backlog of six hours' downtime, sorted out", 60, "s"),
    "accepted_p95_s": ("event to accepted, p95", 2, "s"),
    "adverse_p99_s": ("adverse event to first message to staff, in a crowd, p99", 5, "s"),
    "duplicates": ("messages to patients sent twice", 0, ""),
    "lost": ("intents lost", 0, ""),
    "stale": ("messages that told of what was not so", 0, ""),
    "critical_suppressed": ("critical alerts that nobody was written to about", 0, ""),
    "alerts_per_clinician_day": ("interrupting alerts a clinician a day", 10, ""),
}
