"""The evidence of a verdict: enough to recompute it by hand, without the course that it was judged in."""

from typing import Any

from services.progress.domain.record import Reading
from services.progress.domain.series import Series
from shared.events.progress import Evidence, Noise


def compared(
    series: Series, before: tuple[Reading, ...], level: float, window: tuple[int, int], noise_at: int, **more: Any
) -> Evidence:
    """What was compared: the readings `before` and their mean `level`, with those of `window` (from, to but not at).

    The noise is that known at reading `noise_at`. Grades have neither mean nor noise.
    """
    first, end = window
    present, spec = series.readings[first:end], series.spec
    return Evidence(
        measure=spec.measure,
        side=series.side,
        rater=series.rater,
        unit=spec.unit,
        scale=spec.scale,
        better=spec.better,
        mcid=spec.mcid,
        baseline=series.value(level),
        baseline_readings=tuple(reading.measurement_id for reading in before),
        baseline_values=tuple(reading.value for reading in before),
        readings=tuple(reading.measurement_id for reading in present),
        values=tuple(reading.value for reading in present),
        taken_at=tuple(reading.effective_at for reading in present),
        **_noise(series, first, end, noise_at),
        **more,
    )


def _noise(series: Series, first: int, end: int, noise_at: int) -> dict[str, Any]:
    if series.spec.by_rater:
        return {}
    steps, squares = series.steps(noise_at)
    return {
        "mean": series.value(series.mean(first, end)),
        "sigma": series.sigma(noise_at),
        "noise": Noise(default=series.spec.sigma, steps=steps, squares=squares),
    }
