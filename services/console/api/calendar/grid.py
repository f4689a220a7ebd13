"""The calendar's grid as a style sheet: the policy allows no inline style, so every place on it is a class."""

from typing import Final

from services.console.domain.calendar.opening import Span
from services.console.domain.calendar.sheet import MOST_LANES, STEP

_ROWS: Final = 25 * 60 // STEP
"""A day on which the clocks go back has 25 hours."""
_HOURS: Final = 25


def place(span: Span, hours: Span, lane: int | None = None) -> str:
    """Where something stands on a sheet over `hours`; all of a column's width where no lane is named."""
    begin, end = max(span.begin, hours.begin), min(span.end, hours.end)
    first, last = (begin - hours.begin) // STEP, -(-(end - hours.begin) // STEP)
    return f"f{first} t{max(last, first + 1)}" + ("" if lane is None else f" l{lane}")


def height(hours: Span) -> str:
    """How many hours a sheet has."""
    return f"h{(hours.end - hours.begin) // 60}"


def style() -> str:
    """Rows from `f` up to `t`, lanes, and how many there are of both."""
    rows = "".join(f".f{n}{{grid-row-start:{n + 1}}}.t{n + 1}{{grid-row-end:{n + 2}}}" for n in range(_ROWS))
    hours = "".join(f".h{n}{{--rows:{n * 60 // STEP}}}" for n in range(1, _HOURS + 1))
    lanes = "".join(f".l{n}{{grid-column:{n + 1}}}.w{n + 1}{{--lanes:{n + 1}}}" for n in range(MOST_LANES))
    return rows + hours + lanes
