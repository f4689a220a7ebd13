"""The console's figures for people, each beside its goal."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from benchmarks.lines import Line, at_most, drawn

_AT_MOST = {
    "page_p95_ms": ("a page, p95", 200, "ms"),
    "event_to_screen_s": ("from a fact to the screen, p95", 1, "s"),
    "first_visit_kb": ("a first visit, compressed", 150, "KB"),
    "axe_violations": ("what axe-core finds wrong, light and dark", 0, ""),
}


def table(found: Mapping[str, Any]) -> Table:
    """All figures that were measured."""
    return drawn(f"stride bench console, {found['courses']:,} courses", _lines(found))


def _lines(found: Mapping[str, Any]) -> Iterator[Line]:
    for name, (what, goal, unit) in _AT_MOST.items():
        if found.get(name) is not None:
            yield at_most(what, found[name], goal, unit)
    for path, p95 in found.get("p95_ms_by_page", {}).items():
        yield Line(f"  {path}", f"{p95:g} ms")
    if "facts_per_s" in found:
        yield Line("facts kept", f"{found['facts_per_s']:,}/s")
