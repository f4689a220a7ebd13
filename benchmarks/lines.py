"""The rows of a bench's table: each figure beside its reference and its goal."""

from collections.abc import Iterable
from typing import NamedTuple

from rich.table import Table


class Line(NamedTuple):
    """One row: what was measured, the figure, what it is held against, the goal, and whether it is met."""

    what: str
    figure: str
    against: str = ""
    goal: str = ""
    met: bool | None = None


def drawn(title: str, lines: Iterable[Line]) -> Table:
    """A table of lines for people."""
    made = Table(title=title, title_justify="left")
    for name in ("measured", "figure", "against", "goal"):
        made.add_column(name, justify="left" if name == "measured" else "right")
    made.add_column("")
    for line in lines:
        mark = "" if line.met is None else "[green]met[/]" if line.met else "[red]missed[/]"
        made.add_row(line.what, line.figure, line.against, line.goal, mark)
    return made


def at_least(what: str, figure: float, goal: float | None, against: str = "") -> Line:
    """A figure that must not be below its goal."""
    return Line(
        what, f"{figure:.2f}", against, f">= {goal:g}" if goal else "", None if goal is None else figure >= goal
    )


def at_most(what: str, figure: float, goal: float, unit: str = "", against: str = "") -> Line:
    """A figure that must not be above its goal."""
    shown = f"{figure:,.2f}".rstrip("0").rstrip(".")
    return Line(what, f"{shown} {unit}".strip(), against, f"<= {goal:g} {unit}".strip(), figure <= goal)
