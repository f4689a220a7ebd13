"""A series: the readings of one measure, side and device within one course, and its baseline.

Arithmetic is done on *levels*: the value itself on a linear scale, its natural logarithm on a log
scale. `better` is +1 where a higher level is better and -1 where a lower one is.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import exp, log, sqrt
from typing import NamedTuple

from services.progress.domain.record import Reading, Terms
from shared.events.clinical import MeasureSpec, Side

BASELINE_AIM, BASELINE_LEAST = 3, 2
"""A baseline is the mean of three readings, at least two (docs/progress.md)."""

DAY_APART = timedelta(hours=12)
"""Readings so far apart count as of different days; facts carry no time zone to tell days by."""

_PRIOR_READINGS = 8
"""How many readings' worth of trust the measure's default sigma has against the series' own noise."""
_STEP_CAP = 9
"""Half the square of one step counts at most this many times the default variance: typing errors."""


ROUNDING = 1e-9
"""What lies so close to a limit lies on it: means of whole numbers are rounded, and 8/3 - 5/3 may fall short of 1."""


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


class Series(NamedTuple):
    """Valid readings of one measure, side and device, by (`effective_at`, `measurement_id`)."""

    name: str
    spec: MeasureSpec
    side: Side | None
    device: str | None
    rater: str | None
    """Only where each rater's gradings are a series of their own."""
    readings: tuple[Reading, ...]
    levels: tuple[float, ...]
    noise: tuple[float, ...]
    """Half the squares of the steps up to each reading, capped and summed; see `sigma`."""
    baseline: Baseline | None

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

    def mean(self, first: int, end: int) -> float:
        """The mean level of the readings from `first` up to, not including, `end`."""
        return sum(self.levels[first:end]) / (end - first)

    def sigma(self, at: int) -> float:
        """The noise of one reading as known at reading `at`, never below the measure's default.

        sigma^2 = max(s0^2, (8 s0^2 + sum d^2/2) / (8 + k)) over the k steps d up to there, each d^2/2
        capped at 9 s0^2. The step out of the baseline is left out: it may be the treatment's own.
        """
        prior, (steps, squares) = self.spec.sigma**2, self.steps(at)
        return sqrt(max(prior, (_PRIOR_READINGS * prior + squares) / (_PRIOR_READINGS + steps)))

    def steps(self, at: int) -> tuple[int, float]:
        """How many steps `sigma` knows at reading `at`, and the sum of their d^2/2."""
        return (at - 1 if self.baseline and at > self.baseline.last else at), self.noise[at]

    def upto(self, moment: datetime) -> int:
        """How many readings were taken up to and including `moment`."""
        return bisect_right(self.readings, moment, key=_taken_at)

    def followed_by(self, reading: Reading) -> "Series":
        """The series with one more reading, which must be its latest and come after the baseline."""
        name, spec, side, device, rater, readings, levels, noise, baseline = self
        level = log(reading.value) if spec.scale == "log" else reading.value
        out_of_baseline = baseline is not None and baseline.last == len(readings) - 1
        more = 0.0 if out_of_baseline else _step(levels[-1], level, spec.sigma)
        return Series(
            name,
            spec,
            side,
            device,
            rater,
            (*readings, reading),
            (*levels, level),
            (*noise, noise[-1] + more),
            baseline,
        )


def place(reading: Reading) -> tuple[datetime, str]:
    """Where a reading stands in its series."""
    return reading.effective_at, reading.measurement_id


def series_of(terms: Terms, readings: Iterable[Reading], second_session: datetime | None) -> Mapping[str, Series]:
    """The series of a course, by name. `readings` are the course's, without voided ones."""
    groups: dict[str, list[Reading]] = defaultdict(list)
    specs: dict[str, MeasureSpec] = {}
    for reading in readings:
        spec = followed(reading, terms)
        if spec:
            name = series_name(reading, spec)
            groups[name].append(reading)
            specs[name] = spec
    return {
        name: _series(name, specs[name], sorted(group, key=place), second_session)
        for name, group in sorted(groups.items())
    }


def begun(name: str, spec: MeasureSpec, reading: Reading) -> Series:
    """The series `name` of a course as its first reading begins it; that one must count."""
    return _series(name, spec, [reading], None)


def name_of(measure: str, side: str | None, device: str | None, rater: str | None) -> str:
    """The name of a series, one of a kind within its course."""
    return f"{measure}/{side or ''}/{device or ''}{f'/{rater}' if rater else ''}"


def series_name(reading: Reading, spec: MeasureSpec) -> str:
    """The name of the series that a reading belongs to."""
    return name_of(reading.measure, reading.side, reading.device, reading.rater if spec.by_rater else None)


def followed(reading: Reading, terms: Terms) -> MeasureSpec | None:
    """How a course reads a reading; None where it does not count: its measure, unit, range or side."""
    spec = terms.spec_of(reading.measure)
    if spec is None or (reading.side and terms.side not in {None, Side.BOTH, reading.side}):
        return None
    return spec if counts_in(spec, reading) else None


def counts_in(spec: MeasureSpec, reading: Reading) -> bool:
    """Whether a reading of the right measure and side counts: by unit, range and rater, and not the enrolment's."""
    if reading.enrolment or reading.unit != spec.unit or (spec.by_rater and reading.rater is None):
        return False
    return spec.low <= reading.value <= spec.high and (spec.scale == "linear" or reading.value > 0)


def _series(name: str, spec: MeasureSpec, readings: Sequence[Reading], second_session: datetime | None) -> Series:
    levels = [log(reading.value) if spec.scale == "log" else reading.value for reading in readings]
    baseline = _baseline(spec, readings, levels, second_session) if second_session else None
    noise = [0.0]
    for index, (before, after) in enumerate(pairwise(levels)):
        out_of_baseline = baseline is not None and index == baseline.last
        noise.append(noise[-1] + (0.0 if out_of_baseline else _step(before, after, spec.sigma)))
    return Series(
        name=name,
        spec=spec,
        side=Side(readings[0].side) if readings[0].side else None,
        device=readings[0].device,
        rater=readings[0].rater if spec.by_rater else None,
        readings=tuple(readings),
        levels=tuple(levels),
        noise=tuple(noise),
        baseline=baseline,
    )


def _step(before: float, after: float, sigma: float) -> float:
    return min((after - before) ** 2 / 2, _STEP_CAP * sigma**2)


def _baseline(
    spec: MeasureSpec, readings: Sequence[Reading], levels: Sequence[float], second_session: datetime
) -> Baseline | None:
    """The mean of the last three readings of different days taken before session 2; of gradings the best.

    A reading at the very start of session 2 is still before it. None where there are fewer than
    two such readings.
    """
    chosen: list[int] = []
    for index, reading in enumerate(readings):
        if reading.effective_at > second_session:
            break
        if not chosen or reading.effective_at - readings[chosen[-1]].effective_at >= DAY_APART:
            chosen.append(index)
    chosen = chosen[-BASELINE_AIM:]
    if len(chosen) < BASELINE_LEAST:
        return None
    taken = [levels[index] for index in chosen]
    best = max if spec.better == "higher" else min
    level = best(taken) if spec.by_rater else sum(taken) / len(taken)
    return Baseline(level, tuple(readings[index] for index in chosen), chosen[-1])


def _taken_at(reading: Reading) -> datetime:
    return reading.effective_at
