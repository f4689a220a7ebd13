"""The bench of progress: its sections, their sizes, and one object with all figures."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.progress.arrivals import late, orders
from benchmarks.progress.ground import Report
from benchmarks.progress.rules import rules
from benchmarks.progress.signals import regressions, tapers

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many patients each figure rests on."""

    patients: int
    late: int
    orders: int


FULL = Sizes(patients=20_000, late=10_000, orders=10_000)
QUICK = Sizes(patients=2_000, late=500, orders=500)


@dataclass(frozen=True, slots=True)
class Run:
    """What every section needs."""

    sizes: Sizes
    seed: int
    report: Report


SECTIONS: Mapping[str, Callable[[Run], Figures]] = {
    "rules": lambda run: rules(run.seed, run.sizes.patients, run.report),
    "regressions": lambda run: regressions(run.seed, run.sizes.patients, run.report),
    "tapers": lambda run: tapers(run.seed, run.sizes.patients, run.report),
    "late": lambda run: late(run.seed, run.sizes.late, run.report),
    "orders": lambda run: orders(run.seed, run.sizes.orders, run.report),
}


async def bench(only: Sequence[str], run: Run, begin: Callable[[str], None]) -> Figures:
    """Measure the sections `only`, in order; `begin` hears of each before it starts."""
    began = time.monotonic()
    found: Figures = {}
    intervals: Figures = {}
    for name in only:
        begin(name)
        section = await asyncio.to_thread(SECTIONS[name], run)
        intervals |= section.pop("intervals", {})
        found |= section
    sizes = {"patients": run.sizes.patients, "patients_late": run.sizes.late, "seed": run.seed}
    return {**found, "intervals_95": intervals, **sizes, "seconds": round(time.monotonic() - began)}
