"""The bench of notifications: its sections, their sizes, and one object with all figures."""

import asyncio
import os
import platform
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.notifications import traffic, waiting
from benchmarks.notifications.fatigue import fatigue
from benchmarks.notifications.office import Place
from benchmarks.notifications.storm import storm
from shared.schemas import prepare_schemas
from stride.embedded.addresses import External
from stride.embedded.servers import Servers

Figures = dict[str, Any]
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything is measured."""

    pending: int
    claims: int
    timers: int
    backlog: int
    arrivals: int
    crowd: int
    adverse: int
    shuffled: int
    kills: int
    weeks: int
    """Of a simulated clinic."""


FULL = Sizes(1_000_000, 20_000, 600, 100_000, 200, 3_000, 100, 100_000, 1_000, 60)
QUICK = Sizes(100_000, 2_000, 200, 10_000, 50, 500, 30, 3_000, 40, 26)


@dataclass(frozen=True, slots=True)
class Run:
    """What every section needs; `home` is a folder for servers' data."""

    home: Path
    sizes: Sizes
    seed: int
    report: Report


async def _timers(run: Run, place: Place) -> Figures:
    sizes = run.sizes
    run.report(f"{sizes.pending:,} timers that wait")
    await waiting.pending(place, sizes.pending)
    run.report("timers: lateness")
    late = await waiting.lateness(place, sizes.timers)
    run.report("timers: claims")
    claimed = await waiting.claims(place, sizes.claims)
    run.report("timers: backlog")
    return {"pending": sizes.pending, **claimed, **late, **await waiting.backlog(place, sizes.backlog)}


async def _traffic(run: Run, place: Place) -> Figures:
    sizes = run.sizes
    run.report("traffic: light")
    light = await traffic.arrival(place, sizes.arrivals)
    run.report("traffic: adverse events in a crowd")
    return {**light, **await traffic.alarm(place, sizes.crowd, sizes.adverse)}


async def _shuffled(run: Run, place: Place) -> Figures:
    return await traffic.shuffled(place, run.sizes.shuffled, run.seed)


async def _kills(run: Run, place: Place) -> Figures:
    kills = run.sizes.kills

    def far(dead: int) -> None:
        run.report(f"kills: {dead} of {kills}")

    clinic = f"{place.clinic_id}-kills"
    left = await storm(place.database_url, clinic, run.home, kills=kills, seed=run.seed, ask=False, far=far)
    return {"kills": left.kills, "duplicates": left.duplicates, "lost": left.lost, "unknown": left.unknown}


async def _fatigue(run: Run, _: Place) -> Figures:
    run.report(f"fatigue: {run.sizes.weeks} weeks of a clinic")
    return await asyncio.to_thread(fatigue, run.seed, run.sizes.weeks)


SECTIONS: Mapping[str, Callable[[Run, Place], Awaitable[Figures]]] = {
    "traffic": _traffic,
    "shuffled": _shuffled,
    "kills": _kills,
    "fatigue": _fatigue,
    "timers": _timers,
}
"""Timers last: what waits among them would be sent by the others."""
_SUMS = ("duplicates", "lost")


async def bench(only: Sequence[str], run: Run, begin: Callable[[str], None]) -> Figures:
    """Measure the sections `only`, in order; `begin` hears of each before it starts."""
    began, load = time.monotonic(), os.getloadavg()[0]
    found: Figures = {}
    async with Servers(run.home, durable=True, external=External(), report=run.report) as servers:
        url = servers.addresses.database_url
        await prepare_schemas(url)
        for name in only:
            begin(name)
            measured = await SECTIONS[name](run, Place(url, "bench", 0))
            sums = {key: found.get(key, 0) + measured[key] for key in _SUMS if key in measured}
            found |= measured | sums
    machine = {
        "cores": os.cpu_count(),
        "load": {"before": round(load, 2), "after": round(os.getloadavg()[0], 2)},
        "python": platform.python_version(),
    }
    return {**found, "machine": machine, "seed": run.seed, "seconds": round(time.monotonic() - began)}
