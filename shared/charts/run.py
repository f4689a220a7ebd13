"""A run chart: one value a week, the mean and limits that it is read by, and the weeks that stand out."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from math import inf
from typing import NamedTuple

from shared.charts.axes import moment_of, time_axis, time_scale, value_axis, value_scale
from shared.charts.figure import AREA, line_name
from shared.charts.markup import element, number, words

_APART = 14
"""Pixels between the names of two lines."""


class RunPoint(NamedTuple):
    """A value of a week; `note` says how it stands out, and is empty where it does not."""

    week: date
    value: float
    note: str


class RunChart(NamedTuple):
    """What is drawn. `lines` are the names and levels of the mean and the limits; the first is the mean."""

    unit: str
    points: Sequence[RunPoint]
    lines: Sequence[tuple[str, float]]
    most: float = inf
    """What no value can exceed, such as 100%."""
    week_of: Callable[[date], str] = "Week of {:%d %b %Y}".format
    """A week by its Monday, as people call it."""
    said: Callable[[str], str] = str
    """A month, "Jan" say, in the reader's language."""


def run_chart(chart: RunChart) -> str:
    """The drawing; at least one point."""
    values = [*(point.value for point in chart.points), *(level for _, level in chart.lines)]
    scale, ticks = value_scale(values, AREA, chart.most)
    along, weeks = time_scale([moment_of(point.week) for point in chart.points], AREA, least=7)
    places = [(along(moment_of(point.week).timestamp()), scale(point.value)) for point in chart.points]
    path = element("polyline", class_="line", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places))
    dots = [_dot(x, y, point, chart) for (x, y), point in zip(places, chart.points, strict=True)]
    return "".join(
        (
            value_axis(AREA, scale, ticks, chart.unit),
            time_axis(AREA, along, weeks, chart.said),
            *(_level(scale(level), at) for at, (_, level) in enumerate(chart.lines)),
            *_names((scale(level), f"{name} {number(level)}") for name, level in chart.lines),
            path,
            *dots,
        )
    )


def _level(y: float, at: int) -> str:
    return element("line", class_="limit" if at else "centre", x1=AREA.left, x2=AREA.right, y1=y, y2=y)


def _names(lines: Iterable[tuple[float, str]]) -> Iterable[str]:
    """The names at the right ends, pushed down where two would lie on each other."""
    lowest = 0.0
    for y, text in sorted(lines):
        lowest = max(y, lowest + _APART)
        yield line_name(lowest, text)


def _dot(x: float, y: float, point: RunPoint, chart: RunChart) -> str:
    told = f"{chart.week_of(point.week)}: {number(point.value)} {chart.unit}".strip()
    title = element("title", words(f"{told}. {point.note}" if point.note else told))
    if point.note:
        # A shape of its own, since not everybody tells the colours apart.
        corners = ((0, -7), (7, 0), (0, 7), (-7, 0))
        return element(
            "polygon", title, class_="alarm", points=" ".join(f"{x + a:.1f},{y + b:.1f}" for a, b in corners)
        )
    return element("circle", title, class_="dot", cx=x, cy=y, r=4)
