"""A course's readings, series by series."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from services.progress.domain.series import Series
from shared.events.clinical import Side


class BaselineView(BaseModel):
    """A settled baseline, in the measure's unit."""

    value: float
    readings: tuple[str, ...]


class ReadingView(BaseModel):
    """A reading that counts, at its newest revision."""

    measurement_id: str
    value: float
    effective_at: datetime
    revision: int


class SeriesView(BaseModel):
    """The readings of one measure, side and device."""

    measure: str
    side: Side | None
    device: str | None
    unit: str
    better: Literal["lower", "higher"]
    baseline: BaselineView | None
    readings: list[ReadingView]


def series_view(series: Series) -> SeriesView:
    """The view of one series."""
    baseline = series.baseline
    return SeriesView(
        measure=series.spec.measure,
        side=series.side,
        device=series.device,
        unit=series.spec.unit,
        better=series.spec.better,
        baseline=BaselineView(value=series.value(baseline.level), readings=baseline.ids) if baseline else None,
        readings=[
            ReadingView(
                measurement_id=reading.measurement_id,
                value=reading.value,
                effective_at=reading.effective_at,
                revision=reading.revision,
            )
            for reading in series.readings
        ],
    )
