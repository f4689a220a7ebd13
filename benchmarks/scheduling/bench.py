"""The bench of scheduling: its sections, their sizes, and one object with all figures."""

import asyncio
import os
import platform
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.ground import ground
from benchmarks.scheduling.clinic.setting import Setting
from benchmarks.scheduling.clinic.study import clinic
from benchmarks.scheduling.growth import growth
from benchmarks.scheduling.hot import hot
from benchmarks.scheduling.leaves import leaves
from benchmarks.scheduling.optimality import optimality
from benchmarks.scheduling.planning import planning

_FEW = 10_000
Figures = dict[str, Any]
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything is measured."""

    planned: int
    planned_large: int
    proven: int
    """Courses compared with CP-SAT's optimum."""
    leaves: int
    rounds: int
    """Of the hot clinic, 48 courses each."""
    stored: int
    """Appointments among which booking is measured, beside 10,000."""
    clinics: int
    """Simulated clinics under each policy."""
    weeks: int
    """Of each of them, eight of warm-up among them."""


FULL = Sizes(planned=1000, planned_large=200, proven=200, leaves=30, rounds=20, stored=1_000_000, clinics=5, weeks=30)
QUICK = Sizes(planned=200, planned_large=20, proven=8, leaves=5, rounds=4, stored=50_000, clinics=1, weeks=16)


@dataclass(frozen=True, slots=True)
class Run:
    """What every section needs; `home` is a folder for servers' data."""

    home: Path
    sizes: Sizes
    seed: int
    report: Report


async def _plan(run: Run) -> Figures:
    return await asyncio.to_thread(planning, run.seed, run.sizes.planned, run.sizes.planned_large)


async def _optimal(run: Run) -> Figures:
    return await asyncio.to_thread(optimality, run.seed, run.sizes.proven, run.report)


async def _leave(run: Run) -> Figures:
    return await asyncio.to_thread(leaves, run.seed, run.sizes.leaves, run.report)


async def _clinic(run: Run) -> Figures:
    setting = Setting(weeks=run.sizes.weeks)
    return await asyncio.to_thread(clinic, run.seed, run.sizes.clinics, setting, run.report)


async def _hot(run: Run) -> Figures:
    async with ground(run.home, run.report) as on:
        return await hot(on, run.sizes.rounds)


async def _growth(run: Run) -> Figures:
    async with ground(run.home, run.report) as on:
        return await growth(on, _FEW, run.sizes.stored, run.report)


SECTIONS: Mapping[str, Callable[[Run], Awaitable[Figures]]] = {
    "plan": _plan,
    "optimal": _optimal,
    "leave": _leave,
    "clinic": _clinic,
    "hot": _hot,
    "growth": _growth,
}


async def bench(only: Sequence[str], run: Run, begin: Callable[[str], None]) -> Figures:
    """Measure the sections `only`, in order; `begin` hears of each before it starts."""
    began, load = time.monotonic(), os.getloadavg()[0]
    found: Figures = {}
    for name in only:
        begin(name)
        found[name] = await SECTIONS[name](run)
    machine = {
        "cores": os.cpu_count(),
        "load": {"before": round(load, 2), "after": round(os.getloadavg()[0], 2)},
        "python": platform.python_version(),
    }
    return {**found, "machine": machine, "seed": run.seed, "seconds": round(time.monotonic() - began)}
