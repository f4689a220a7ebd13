"""A series: the readings of one measure, side and device within one course, and its baseline.

Arithmetic is done on *levels*: the value itself on a linear scale, its natural logarithm on a log
scale. `better` is +1 where a higher level is better and -1 where a lower one is.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from math import exp, log, sqrt
from typing import NamedTuple

from services.progress.domain.record import Reading, Terms
from shared.events.clinical import MeasureSpec, Side

BASELINE_AIM, BASELINE_LEAST = 3, 2
"""A baseline is the mean of three readings, at least two (docs: clinical.md, Milestones)."""

DAY_APART = timedelta(hours=12)
"""Readings so far apart count as of different days; facts carry no time zone to tell days by."""

_PRIOR_READINGS = 8
"""How many readings' worth of trust the measure's default sigma has against the series' own noise."""
_STEP_CAP = 9
"""Half the square of one step counts at most this many times the default variance: typing errors."""


class Baseline(NamedTuple):
    """Where the series started."""

    level: float
    readings: tuple[Reading, ...]
    last: int
    """Index in the series of the last reading in it; what comes after is after the baseline."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The measurement ids of its readings."""
        return tuple(reading.measurement_id for reading in self.readings)


@dataclass(frozen=True)
class Series:
    """Valid readings of one measure, side and device, by (`effective_at`, `measurement_id`)."""

    spec: MeasureSpec
    side: Side | None
    device: str | None
    readings: tuple[Reading, ...]
    second_session: datetime | None

    @property
    def name(self) -> str:
        """The series' name within its course."""
        return f"{self.spec.measure}/{self.side or '-'}/{self.device or '-'}"

    @property
    def better(self) -> int:
        """+1 where a higher level is better, else -1."""
        return 1 if self.spec.better == "higher" else -1

    @property
    def log_scale(self) -> bool:
        """Whether levels are natural logarithms."""
        return self.spec.scale == "log"

    def level(self, value: float) -> float:
        """A value (in the measure's unit) on the series' scale."""
        return log(value) if self.log_scale else value

    def value(self, level: float) -> float:
        """A level in the measure's unit."""
        return exp(level) if self.log_scale else level

    @cached_property
    def levels(self) -> list[float]:
        """The readings' levels."""
        return [self.level(reading.value) for reading in self.readings]

    @cached_property
    def sigmas(self) -> list[float]:
        """The noise of one reading as known at each reading: default and own noise, never below the default.

        sigma^2 = max(s0^2, (8 s0^2 + sum d^2/2) / (8 + k)) over the k steps d up to there, each d^2/2
        capped at 9 s0^2.
        """
        prior = self.spec.sigma**2
        steps = 0.0
        sigmas = [self.spec.sigma] if self.readings else []
        for count, (before, after) in enumerate(pairwise(self.levels), start=1):
            steps += min((after - before) ** 2 / 2, _STEP_CAP * prior)
            sigmas.append(sqrt(max(prior, (_PRIOR_READINGS * prior + steps) / (_PRIOR_READINGS + count))))
        return sigmas

    @cached_property
    def baseline(self) -> Baseline | None:
        """The mean of the last three readings of different days taken before session 2.

        A reading at the very start of session 2 is still before it. None until session 2 is known,
        and where there are fewer than two such readings.
        """
        if self.second_session is None:
            return None
        chosen: list[int] = []
        for index, reading in enumerate(self.readings):
            if reading.effective_at > self.second_session:
                break
            if not chosen or reading.effective_at - self.readings[chosen[-1]].effective_at >= DAY_APART:
                chosen.append(index)
        chosen = chosen[-BASELINE_AIM:]
        if len(chosen) < BASELINE_LEAST:
            return None
        level = sum(self.levels[index] for index in chosen) / len(chosen)
        return Baseline(level, tuple(self.readings[index] for index in chosen), chosen[-1])

    def upto(self, moment: datetime) -> int:
        """How many readings were taken up to and including `moment`."""
        return bisect_right(self.readings, moment, key=lambda reading: reading.effective_at)


def series_of(terms: Terms, readings: Sequence[Reading], second_session: datetime | None) -> tuple[Series, ...]:
    """The series of a course, by measure, side and device. `readings` are the course's, without voided ones."""
    specs = {spec.measure: spec for spec in terms.measures}
    groups: dict[tuple[str, str, str], list[Reading]] = defaultdict(list)
    for reading in readings:
        spec = specs.get(reading.measure)
        if spec and _counts(reading, spec) and _on_side(reading.side, terms.side):
            groups[reading.measure, reading.side or "", reading.device or ""].append(reading)
    return tuple(
        Series(specs[measure], Side(side) if side else None, device or None, _in_order(group), second_session)
        for (measure, side, device), group in sorted(groups.items())
    )


def _counts(reading: Reading, spec: MeasureSpec) -> bool:
    """Whether a reading is in the measure's unit and range and was not the one that decided on enrolment."""
    in_range = spec.low <= reading.value <= spec.high and (spec.scale == "linear" or reading.value > 0)
    return in_range and reading.unit == spec.unit and not reading.enrolment


def _on_side(side: str | None, treated: Side | None) -> bool:
    return side is None or treated in {None, Side.BOTH} or side == treated


def _in_order(readings: list[Reading]) -> tuple[Reading, ...]:
    return tuple(sorted(readings, key=lambda reading: (reading.effective_at, reading.measurement_id)))
