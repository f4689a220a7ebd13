"""The clinic's figures as a program reads them, made from weekly rows."""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from math import inf
from typing import Final

from pydantic import BaseModel

from services.console.api.titles import figure_title
from services.console.api.words import ENGLISH, Reader
from services.console.domain.xmr import Week, Xmr, xmr
from services.console.store import WeekRow
from shared.protocols import Protocols

_SHARE_AS_PERCENT: Final = 100.0
_FIRST_SHOWN: Final = ("outcome", "milestone", "completion", "no-show")
SHARES: Final = frozenset({"completion", "no-show"})
"""Figures that are shares of all."""
_BOUNDS: Final = {"share": (0.0, 100.0), "days": (0.0, inf)}
"""What a figure can't fall below or rise above: a limit beyond it would say that it might."""


class WeekView(BaseModel):
    """A week's value: the mean of `number` single ones, and the numbers of the run rules that it breaks."""

    week: date
    value: float
    number: int
    moving_range: float | None
    broken: tuple[int, ...]


class LimitsView(BaseModel):
    """The mean of the weeks and the limits that chance stays within."""

    mean: float
    lower: float
    upper: float
    mean_range: float
    upper_range: float


class FigureView(BaseModel):
    """One figure of a protocol as an XmR chart; no limits where there are fewer than six weeks."""

    figure: str
    title: str
    unit: str
    weeks: list[WeekView]
    limits: LimitsView | None


class ProtocolView(BaseModel):
    """The figures of the courses that follow one protocol."""

    protocol_id: str
    title: str
    figures: list[FigureView]


class ClinicView(BaseModel):
    """All figures of a clinic in the weeks from `since` to `until` (Mondays, UTC)."""

    clinic_id: str
    since: date
    until: date
    rules: dict[int, str]
    protocols: list[ProtocolView]


def protocol_views(protocols: Protocols, rows: Iterable[WeekRow], reader: Reader = ENGLISH) -> list[ProtocolView]:
    """The figures of each protocol; `rows` come by protocol, figure and week."""
    return [
        ProtocolView(
            protocol_id=protocol_id,
            title=reader.translate(_protocol_title(protocols, protocol_id)),
            figures=_figures(protocols, of_protocol, reader),
        )
        for protocol_id, of_protocol in groupby(rows, key=lambda row: row.protocol_id)
    ]


def _protocol_title(protocols: Protocols, protocol_id: str) -> str:
    protocol = protocols.by_id.get(protocol_id)
    return protocol.title if protocol else protocol_id


def _figures(protocols: Protocols, rows: Iterable[WeekRow], reader: Reader) -> list[FigureView]:
    grouped = groupby(rows, key=lambda row: (row.protocol_id, row.figure, row.unit))
    figures = [
        _figure(figure, figure_title(protocols, protocol_id, figure, reader), unit, list(of_figure))
        for (protocol_id, figure, unit), of_figure in grouped
    ]
    return sorted(figures, key=lambda figure: _FIRST_SHOWN.index(figure.figure.split("/")[0]))


def _figure(figure: str, title: str, unit: str, rows: Sequence[WeekRow]) -> FigureView:
    low, high = _BOUNDS.get(unit, (-inf, inf))
    times, unit = (_SHARE_AS_PERCENT, "%") if unit == "share" else (1.0, unit)
    chart = xmr([Week(row.week, times * row.value, row.number) for row in rows])
    return FigureView(figure=figure, title=title, unit=unit, weeks=_weeks(chart), limits=_limits(chart, low, high))


def _weeks(chart: Xmr) -> list[WeekView]:
    return [
        WeekView(
            week=point.week.week,
            value=point.week.value,
            number=point.week.number,
            moving_range=point.moving_range,
            broken=point.broken,
        )
        for point in chart.points
    ]


def _limits(chart: Xmr, low: float, high: float) -> LimitsView | None:
    if chart.limits is None:
        return None
    limits = chart.limits._replace(lower=max(low, chart.limits.lower), upper=min(high, chart.limits.upper))
    return LimitsView.model_validate(limits._asdict())
