"""The two charts of a figure: its values, and how far each week lies from the one before."""

from collections.abc import Callable
from datetime import date
from math import inf
from typing import Final, NamedTuple

from babel.dates import format_date
from markupsafe import Markup

from services.console.api.figures import SHARES, FigureView
from services.console.api.times import DAY
from services.console.api.titles import RULES
from services.console.api.words import N_, Reader
from shared.charts import Picture, RunChart, RunPoint, run_chart, within
from shared.explaining import unit_name

_MEAN, _LOWER, _UPPER = N_("mean"), N_("lower limit"), N_("upper limit")
_JUDGED: Final = N_("Weekly values: %(weeks)s weeks, %(unlike)s of them unlike the others.")
_WEEKS: Final = N_("Weekly values: %(weeks)s weeks.")


class Charts(NamedTuple):
    """SVG elements."""

    values: Markup
    ranges: Markup | None
    unit: str
    """In people's words."""


def charts_of(figure: FigureView, name: str, reader: Reader) -> Charts:
    """The charts; `name` is one of a kind within the page."""
    ranges = _ranges(figure, f"{name}-r", reader) if figure.limits else None
    return Charts(_values(figure, f"{name}-x", reader), ranges, _unit(figure.unit, reader))


def _values(figure: FigureView, name: str, reader: Reader) -> Markup:
    say, limits = reader.translate, figure.limits
    points = [RunPoint(week.week, week.value, _note(week.broken, reader)) for week in figure.weeks]
    lines = [(say(_MEAN), limits.mean), (say(_LOWER), limits.lower), (say(_UPPER), limits.upper)] if limits else []
    told = {"weeks": len(points), "unlike": sum(bool(point.note) for point in points)}
    words = _JUDGED if limits else _WEEKS
    most = 100.0 if figure.figure in SHARES else inf
    drawing = run_chart(RunChart(_unit(figure.unit, reader), points, lines, most, _week_of(reader), say))
    return _element(Picture(figure.title, say(words) % told, drawing), name)


def _ranges(figure: FigureView, name: str, reader: Reader) -> Markup:
    assert figure.limits
    say, upper = reader.translate, figure.limits.upper_range
    points = [
        RunPoint(week.week, week.moving_range, say(N_("Beyond the limit")) if week.moving_range > upper else "")
        for week in figure.weeks
        if week.moving_range is not None
    ]
    lines = [(say(_MEAN), figure.limits.mean_range), (say(_UPPER), upper)]
    drawing = run_chart(RunChart(_unit(figure.unit, reader), points, lines, week_of=_week_of(reader), said=say))
    title = say(N_("%(figure)s: change from week to week")) % {"figure": figure.title}
    return _element(Picture(title, say(N_("Moving ranges.")), drawing), name)


def _element(picture: Picture, name: str) -> Markup:
    return Markup(within(picture, name=name))  # noqa: S704  # escaped there


def _note(broken: tuple[int, ...], reader: Reader) -> str:
    note = "; ".join(reader.translate(RULES[number]) for number in broken)
    return note[:1].upper() + note[1:]


def _week_of(reader: Reader) -> Callable[[date], str]:
    words = reader.translate(N_("Week of %(day)s"))
    return lambda day: words % {"day": format_date(day, DAY[reader.language], locale=reader.language)}


def _unit(unit: str, reader: Reader) -> str:
    """UCUM for people: a score has no unit."""
    return {"days": reader.translate(N_("days"))}.get(unit, unit_name(unit)) or reader.translate(N_("points"))
