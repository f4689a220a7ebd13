"""Readings of a known truth, as noisy as real ones.

White noise and noise that lasts from one reading to the next (AR(1)), both in the measure's own
sigma; some readings are missing, some are typing errors. The shares are those of the design.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

from shared.events.clinical import MeasureSpec

_TYPING_ERROR_REACH = 10
"""A typing error lies anywhere within so many sigma of the truth, and within the measure's range."""


@dataclass(frozen=True, slots=True)
class Noise:
    """How readings stray. `white` and `lasting` are in sigma of one reading; both are multiplied by `times`."""

    white: float = 0.64
    lasting: float = 0.8
    rho: float = 0.4
    """Correlation of the lasting part from one occasion to the next."""
    missing: float = 0.15
    typing_errors: float = 0.01
    times: float = 1.0


def level(spec: MeasureSpec, value: float) -> float:
    """A value on the measure's scale: itself, or its natural logarithm."""
    return log(value) if spec.scale == "log" else value


def value(spec: MeasureSpec, at: float, step: float) -> float:
    """The reading that a level gives: within the measure's range, in whole `step`s."""
    taken = exp(at) if spec.scale == "log" else at
    return min(spec.high, max(spec.low, round(round(taken / step) * step, 9)))


def strays(rng: random.Random, noise: Noise, sigma: float) -> Iterator[float]:
    """How far each occasion's level strays from the truth, one after another, for ever."""
    lasting = rng.gauss(0, noise.lasting)
    while True:
        yield noise.times * sigma * (lasting + rng.gauss(0, noise.white))
        lasting = noise.rho * lasting + sqrt(1 - noise.rho**2) * rng.gauss(0, noise.lasting)


def readings(
    rng: random.Random, spec: MeasureSpec, truth: Sequence[float], *, step: float, noise: Noise, certain: int = 0
) -> list[float | None]:
    """What is written down at each occasion of `truth` (levels); the first `certain` ones are never missing."""
    taken: list[float | None] = []
    for number, (at, stray) in enumerate(zip(truth, strays(rng, noise, spec.sigma), strict=False)):
        missing, mistyped = rng.random() < noise.missing, rng.random() < noise.typing_errors
        reach = _TYPING_ERROR_REACH * spec.sigma
        written = _within(spec, rng.uniform(at - reach, at + reach)) if mistyped else at + stray
        taken.append(None if missing and number >= certain else value(spec, written, step))
    return taken


def _within(spec: MeasureSpec, at: float) -> float:
    """A level that is out of the measure's range is folded back into it: nobody types 17 on a scale to 10."""
    low, high = level(spec, spec.low), level(spec, spec.high)
    return low + (at - low) % (high - low) if not low <= at <= high else at
