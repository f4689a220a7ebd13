"""Scales and axes: where a value or a moment stands, and the lines that people read it by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import ceil, floor, inf, log10

from shared.charts.markup import element, number, words

_STEPS = (1, 2, 2.5, 5, 10)
_ABOUT_TICKS = 5
_DAYS = (1, 2, 7, 14, 28, 56, 91, 182, 364)
_MOST_DATES = 8
_ROOM = 0.05
"""Above and below the values, as a share of their range."""


@dataclass(frozen=True, slots=True)
class Area:
    """The part of a picture that values are drawn in, in pixels; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear scale from values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def value_scale(values: Sequence[float], area: Area, most: float = inf) -> tuple[Scale, list[float]]:
    """A scale upwards that holds all values, and its ticks. `most` is what no value can exceed."""
    low, high = min(values), max(values)
    room = (high - low or abs(high) or 1.0) * _ROOM
    # Room beyond zero would say that there may be values there.
    low = max(0.0, low - room) if low >= 0 else low - room
    high = min(0.0, high + room) if high <= 0 and low < 0 else high + room
    high = min(high, most)
    step = _step((high - low) / _ABOUT_TICKS)
    first, last = floor(low / step), ceil(high / step)
    ticks = [round(at * step, 9) for at in range(first, last + 1) if at * step <= most]
    return Scale(ticks[0], ticks[-1], area.bottom, area.top), ticks


def _step(least: float) -> float:
    power = 10 ** floor(log10(least))
    return next(power * step for step in _STEPS if power * step >= least * (1 - 1e-9))


def time_scale(moments: Sequence[datetime], area: Area, *, least: int = 1) -> tuple[Scale, list[date]]:
    """A scale to the right that holds all moments, and the days of its ticks, at least so many days apart."""
    first, last = min(moments).date(), max(moments).date()
    days = max((last - first).days, 6)
    apart = next((step for step in _DAYS if step >= least and days / step <= _MOST_DATES), days // _MOST_DATES)
    ticks = [first + timedelta(days=day) for day in range(0, days + 1, apart)]
    edge = timedelta(days=days * 0.02)
    return Scale(
        (_midnight(first) - edge).timestamp(),
        (_midnight(first) + timedelta(days=days + 1) + edge).timestamp(),
        area.left,
        area.right,
    ), ticks


def moment_of(day: date) -> datetime:
    """Noon of a day: where a value of the whole day stands."""
    return datetime.combine(day, time(12), UTC)


def value_axis(area: Area, scale: Scale, ticks: Sequence[float], unit: str) -> str:
    """Lines across and their values; the unit above them."""
    lines = [element("line", class_="grid", x1=area.left, x2=area.right, y1=scale(at), y2=scale(at)) for at in ticks]
    labels = [
        element("text", words(number(at)), class_="muted", x=area.left - 8, y=scale(at) + 4, text_anchor="end")
        for at in ticks
    ]
    named = element("text", words(unit), class_="muted", x=area.left - 8, y=area.top - 16, text_anchor="end")
    return "".join((*lines, *labels, named if unit else ""))


def time_axis(area: Area, scale: Scale, ticks: Sequence[date], said: Callable[[str], str] = str) -> str:
    """The line below, and days under it; the year where it changes. `said` translates months ("Jan")."""
    line = element("line", class_="axis", x1=area.left, x2=area.right, y1=area.bottom, y2=area.bottom)
    labels: list[str] = []
    year = 0
    for day in ticks:
        at = scale(moment_of(day).timestamp())
        labels.append(element("line", class_="axis", x1=at, x2=at, y1=area.bottom, y2=area.bottom + 4))
        labels.append(_day(at, area.bottom + 18, f"{day.day} {said(f'{day:%b}')}"))
        if day.year != year:
            year = day.year
            labels.append(_day(at, area.bottom + 33, str(year)))
    return line + "".join(labels)


def _day(x: float, y: float, text: str) -> str:
    return element("text", words(text), class_="muted", x=x, y=y, text_anchor="middle")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
