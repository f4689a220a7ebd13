"""A measure along a course: readings, the baseline with its noise, the targets, and what was judged when."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from math import inf
from types import MappingProxyType
from typing import Literal, NamedTuple

from shared.charts.axes import Scale, time_axis, time_scale, value_axis, value_scale
from shared.charts.figure import AREA, line_name
from shared.charts.markup import element, number, words

_APART = 15
"""Pixels between the names of two lines."""
_NAME_WIDTH = 76
"""Pixels that the name of a mark takes."""

Judged = Literal["reached", "taken back", "worse"]


class ReadingPoint(NamedTuple):
    """A reading; `before` where it belongs to the baseline."""

    taken_at: datetime
    value: float
    before: bool


class Band(NamedTuple):
    """The baseline and the values within one sigma of it."""

    level: float
    low: float
    high: float


class Mark(NamedTuple):
    """What was judged at a reading, and its name in people's words."""

    taken_at: datetime
    value: float
    judged: Judged
    title: str


class CourseChart(NamedTuple):
    """What is drawn; at least one reading. `targets` are names and levels."""

    unit: str
    readings: Sequence[ReadingPoint]
    baseline: Band | None
    targets: Sequence[tuple[str, float]]
    marks: Sequence[Mark]
    moving: Sequence[tuple[str, Sequence[tuple[datetime, float]]]] = ()
    """Targets that move, along an expected curve: names, and at least one moment with its level."""
    translated: Mapping[str, str] = MappingProxyType({})
    """Other words for those of the picture: before, to, before treatment, on, what is judged, months ("Jan")."""

    def said(self, words: str) -> str:
        """Words of the picture in the reader's language."""
        return self.translated.get(words, words)

    def day(self, at: datetime) -> str:
        """A day of the picture, in the reader's language."""
        return f"{at:%d} {self.said(f'{at:%b}')} {at:%Y}"


class _Scales(NamedTuple):
    along: Scale
    up: Scale

    def place(self, taken_at: datetime, value: float) -> tuple[float, float]:
        return self.along(taken_at.timestamp()), self.up(value)


def course_chart(chart: CourseChart) -> str:
    """The drawing."""
    up, ticks = value_scale(_values(chart), AREA)
    moments = [*(reading.taken_at for reading in chart.readings), *(mark.taken_at for mark in chart.marks)]
    along, days = time_scale(moments, AREA)
    scales = _Scales(along, up)
    return "".join(
        (
            _band(chart.baseline, up) if chart.baseline else "",
            value_axis(AREA, up, ticks, chart.unit),
            time_axis(AREA, along, days, chart.said),
            *_moving(chart, scales),
            *_lines(chart, up),
            *_readings(chart, scales),
            *_marks(chart, scales),
        )
    )


def _values(chart: CourseChart) -> list[float]:
    values = [reading.value for reading in chart.readings] + [mark.value for mark in chart.marks]
    band = [chart.baseline.low, chart.baseline.high] if chart.baseline else []
    moving = [level for _, points in chart.moving for _, level in points]
    return [*values, *band, *moving, *(level for _, level in chart.targets)]


def _band(baseline: Band, up: Scale) -> str:
    top, bottom = up(baseline.high), up(baseline.low)
    return element(
        "rect", class_="band", x=AREA.left, y=top, width=AREA.right - AREA.left, height=max(1.0, bottom - top)
    ) + element("line", class_="centre", x1=AREA.left, x2=AREA.right, y1=up(baseline.level), y2=up(baseline.level))


def _lines(chart: CourseChart, up: Scale) -> Iterator[str]:
    named = [(up(chart.baseline.level), _before(chart, chart.baseline), "muted")] if chart.baseline else []
    for title, level in chart.targets:
        yield element("line", class_="target", x1=AREA.left, x2=AREA.right, y1=up(level), y2=up(level))
        named.append((up(level), f"{title} {number(level)}", "good"))
    named += ((up(points[-1][1]), title, "good") for title, points in chart.moving)
    lowest = 0.0
    for y, text, kind in sorted(named):
        # Pushed down where two names would lie on each other.
        lowest = max(y, lowest + _APART)
        yield line_name(lowest, text, kind)


def _moving(chart: CourseChart, scales: _Scales) -> Iterator[str]:
    for _, points in chart.moving:
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (scales.place(*point) for point in points))
        yield element("polyline", class_="target", fill="none", points=line)


def _before(chart: CourseChart, baseline: Band) -> str:
    span = f"{number(baseline.low)} {chart.said('to')} {number(baseline.high)}"
    return f"{chart.said('before')} {number(baseline.level)} ({span})"


def _readings(chart: CourseChart, scales: _Scales) -> Iterator[str]:
    readings, before = chart.readings, chart.said("before treatment")
    places = [scales.place(reading.taken_at, reading.value) for reading in readings]
    yield element("polyline", class_="line", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places))
    for (x, y), reading in zip(places, readings, strict=True):
        told = f"{chart.day(reading.taken_at)}: {number(reading.value)} {chart.unit}".strip()
        title = element("title", words(f"{told}, {before}" if reading.before else told))
        yield element("circle", title, class_="dot hollow" if reading.before else "dot", cx=x, cy=y, r=4)


def _marks(chart: CourseChart, scales: _Scales) -> Iterator[str]:
    """The marks in time order, with their names above them, or below where one stands close before."""
    last, above = -inf, False
    for mark in sorted(chart.marks):
        x, y = scales.place(mark.taken_at, mark.value)
        above = not above if x - last < _NAME_WIDTH else True
        last = x
        yield _mark(chart, mark, x, y)
        yield _name(chart, x, y - 14 if above and y - 14 > AREA.top else y + 24, mark.judged)


def _mark(chart: CourseChart, mark: Mark, x: float, y: float) -> str:
    judged = f"{chart.said(mark.judged)} {chart.said('on')} {chart.day(mark.taken_at)}"
    title = element("title", words(f"{mark.title}: {judged}"))
    if mark.judged == "reached":
        return element("circle", title, class_="ring", cx=x, cy=y, r=9)
    if mark.judged == "taken back":
        cross = f"M{x - 7:.1f} {y - 7:.1f}l14 14m0 -14l-14 14"
        return element("path", title, class_="cross", d=cross)
    triangle = " ".join(f"{x + a:.1f},{y + b:.1f}" for a, b in ((-8, -6), (8, -6), (0, 8)))
    return element("polygon", title, class_="alarm", points=triangle)


def _name(chart: CourseChart, x: float, y: float, judged: Judged) -> str:
    """Towards the side where there is room."""
    anchor = "end" if x > AREA.right - _NAME_WIDTH / 2 else "start" if x < AREA.left + _NAME_WIDTH / 2 else "middle"
    kind = "label good" if judged == "reached" else "label alarm-text"
    return element("text", words(chart.said(judged)), class_=kind, x=x, y=y, text_anchor=anchor)
