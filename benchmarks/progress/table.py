"""Progress' figures for people: the rules side by side, and each goal with its figure."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from benchmarks.lines import Line, drawn

_COLUMNS = {
    "no_change_12": "no change",
    "half_12": "half",
    "early": "early",
    "confirmed_24": "by 24",
    "within_3": "in 3",
    "median_delay": "median",
    "p90_delay": "p90",
    "no_change_noise_1_5": "noisy",
}
_CAPTION = (
    "In percent: false within 12 sessions (no change, half the response, no change with noise 1.5 times the assumed), "
    "told before it was so, confirmed by session 24, confirmed within 3 sessions. Delays in sessions."
)


def tables(found: Mapping[str, Any]) -> Iterator[Table]:
    """All figures that were measured."""
    if "rules" in found:
        yield _side_by_side(found["rules"], found["patients"])
    yield drawn("Goals, with 95% confidence intervals", _goals(found))


def _side_by_side(rules: Mapping[str, Mapping[str, Any]], patients: int) -> Table:
    made = Table(title=f"Rules for pain down by 40%, on the same {patients:,} patients a cell", title_justify="left")
    made.caption, made.caption_justify = _CAPTION, "left"
    made.add_column("rule", no_wrap=True)
    for title in _COLUMNS.values():
        made.add_column(title, justify="right")
    for name, figures in rules.items():
        made.add_row(name, *("never" if figures[key] is None else f"{figures[key]:g}" for key in _COLUMNS))
    return made


def _goals(found: Mapping[str, Any]) -> Iterator[Line]:
    intervals = found["intervals_95"]

    def line(what: str, figure: float, goal: float, key: str, *, least: bool = False, unit: str = "%") -> Line:
        low, high = intervals.get(key, (None, None))
        between = "" if low is None else f"{low:g} to {high:g}"
        met = figure >= goal if least else figure <= goal
        return Line(what, f"{figure:g} {unit}", between, f"{'>=' if least else '<='} {goal:g} {unit}", met)

    if "rules" in found:
        ours = found["rules"]["stride"]
        yield line("unchanged, confirmed within 12 sessions", ours["no_change_12"], 0.5, "no_change_12")
        yield line("half responders, within 12 sessions", ours["half_12"], 3, "half_12")
        yield line("responders, told before it is so", ours["early"], 1.5, "early")
        yield line("responders, confirmed by session 24", ours["confirmed_24"], 93, "confirmed_24", least=True)
        yield line("median delay", ours["median_delay"], 5, "median_delay", unit="sessions")
        yield line("unchanged, noise 1.5 times the assumed", found["noise_1_5"], 3, "noise_1_5")
    if "late_retracted" in found:
        yield line("taken back, 10% of readings up to a week late", found["late_retracted"], 1, "late_retracted")
        longer = found["late_5_sessions_retracted"]
        yield Line("  up to five sessions late", f"{longer:g} %")
    if "regression" in found:
        yield line("regressions in 20 stable sessions", found["regression"]["false"], 5, "regression.false")
        rises = found["regression"]["found_3"]
        yield line("rises by 3 points found within 12 sessions", rises, 80, "regression.found_3", least=True)
    if "taper_false" in found:
        yield line("half responders, a step down within 24 sessions", found["taper_false"], 2, "taper_false")
    if "orders" in found:
        tried = found["orders"]["tried"]
        yield line(f"of {tried:,} orders of arrival, another final state", found["orders"]["astray"], 0, "", unit="")
