"""The two charts of a figure: its values, and how far each week lies from the one before."""

from math import inf
from typing import NamedTuple

from markupsafe import Markup

from services.console.api.figures import SHARES, FigureView
from services.console.domain.xmr import RULES
from shared.charts import Picture, RunChart, RunPoint, run_chart, within
from shared.explaining import unit_name


class Charts(NamedTuple):
    """SVG elements."""

    values: Markup
    ranges: Markup | None


def charts_of(figure: FigureView, name: str) -> Charts:
    """The charts; `name` is one of a kind within the page."""
    return Charts(_values(figure, f"{name}-x"), _ranges(figure, f"{name}-r") if figure.limits else None)


def _values(figure: FigureView, name: str) -> Markup:
    points = [RunPoint(week.week, week.value, _note(week.broken)) for week in figure.weeks]
    limits = figure.limits
    lines = [("mean", limits.mean), ("lower", limits.lower), ("upper", limits.upper)] if limits else []
    unlike = sum(bool(point.note) for point in points)
    told = f"{len(points)} weeks, {unlike} of them unlike the others" if limits else f"{len(points)} weeks"
    most = 100.0 if figure.figure in SHARES else inf
    drawing = run_chart(RunChart(_unit(figure.unit), points, lines, most))
    return _element(Picture(figure.title, f"Weekly values: {told}.", drawing), name)


def _ranges(figure: FigureView, name: str) -> Markup:
    assert figure.limits
    upper = figure.limits.upper_range
    points = [
        RunPoint(week.week, week.moving_range, "Beyond the limit" if week.moving_range > upper else "")
        for week in figure.weeks
        if week.moving_range is not None
    ]
    lines = [("mean", figure.limits.mean_range), ("upper", upper)]
    drawing = run_chart(RunChart(_unit(figure.unit), points, lines))
    return _element(Picture(f"{figure.title}: change from week to week", "Moving ranges.", drawing), name)


def _element(picture: Picture, name: str) -> Markup:
    return Markup(within(picture, name=name))  # noqa: S704  # escaped there


def _note(broken: tuple[int, ...]) -> str:
    return "; ".join(RULES[number] for number in broken).capitalize()


def _unit(unit: str) -> str:
    """UCUM for people: a score has no unit."""
    return unit_name(unit) or "points"
