"""The whole bench: its sections, their sizes, and one object with all figures."""

import os
import platform
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.costs import costs
from benchmarks.edges import intake
from benchmarks.ground import Ground, ground
from benchmarks.growth import Size, growth
from benchmarks.latency import latency
from benchmarks.memory import memory
from benchmarks.peer import peer
from benchmarks.scaling import PROCESSES, scaling
from benchmarks.throughput import WORKLOADS, throughput
from stride.embedded.errors import BadConfiguration
from stride.embedded.servers import Report

Figures = dict[str, object]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything is measured."""

    events: int
    rounds: int
    requests: int
    samples: int
    courses: Size
    memory_seconds: float
    """For each service; 0: not measured, since a short run tells nothing."""
    processes: Sequence[int] = PROCESSES
    services: Sequence[str] = tuple(WORKLOADS)


FULL = Sizes(
    events=20_000,
    rounds=5,
    requests=10_000,
    samples=500,
    courses=Size(courses=1_000_000, inbox=10_000_000),
    memory_seconds=300,
)
"""About an hour and 15 GB on two cores."""
QUICK = Sizes(
    events=2_000,
    rounds=1,
    requests=500,
    samples=20,
    courses=Size(courses=5_000, inbox=50_000, few=250),
    memory_seconds=0,
    processes=(1, 2),
)
"""At most three minutes on two cores; good to see whether all is well, not to compare machines.

Memory and four processes are the full bench's: they take longer than that, or say nothing.
"""
_BYTES_PER_COURSE = 15_000


@dataclass(frozen=True, slots=True)
class Run:
    """What every section needs."""

    on: Ground
    sizes: Sizes
    seed: int
    report: Report


Section = Callable[[Run], Awaitable[Figures]]


async def _throughput(run: Run) -> Figures:
    sizes = run.sizes
    return {
        service: await throughput(
            run.on, service, events=sizes.events, rounds=sizes.rounds, seed=run.seed, report=run.report
        )
        for service in sizes.services
    }


async def _intake(run: Run) -> Figures:
    sizes = run.sizes
    return await intake(run.on, events=sizes.requests, rounds=sizes.rounds, seed=run.seed, report=run.report)


async def _latency(run: Run) -> Figures:
    return await latency(run.on, samples=run.sizes.samples, report=run.report)


async def _growth(run: Run) -> Figures:
    sizes, free = run.sizes, shutil.disk_usage(run.on.home).free
    needed = sizes.courses.courses * _BYTES_PER_COURSE
    if free < needed:
        raise BadConfiguration(
            f"{sizes.courses.courses} stored courses take {needed / 1e9:.0f} GB, and {run.on.home} has "
            f"{free / 1e9:.0f} GB left: give another folder by --scratch, or measure with --quick."
        )
    return await growth(
        run.on, events=sizes.events // 2, rounds=sizes.rounds, seed=run.seed, size=sizes.courses, report=run.report
    )


async def _memory(run: Run) -> Figures:
    sizes = run.sizes
    if not sizes.memory_seconds:
        return {}
    return {
        service: await memory(
            run.on, service, seconds=sizes.memory_seconds, chunk=sizes.events // 4, seed=run.seed, report=run.report
        )
        for service in sizes.services
    }


async def _scaling(run: Run) -> Figures:
    sizes = run.sizes
    size = {"events": sizes.events, "rounds": sizes.rounds, "seed": run.seed}
    return await scaling(run.on, **size, sizes=sizes.processes, report=run.report)


async def _peer(run: Run) -> Figures:
    sizes = run.sizes
    return await peer(run.on, events=sizes.events, rounds=sizes.rounds, seed=run.seed, report=run.report)


async def _costs(run: Run) -> Figures:
    return await costs(run.on, events=run.sizes.events, seed=run.seed, report=run.report)


SECTIONS: Mapping[str, Section] = {
    "throughput": _throughput,
    "intake": _intake,
    "latency": _latency,
    "growth": _growth,
    "memory": _memory,
    "scaling": _scaling,
    "peer": _peer,
    "costs": _costs,
}
ALWAYS = tuple(name for name in SECTIONS if name != "costs")
"""What is measured where nothing is named."""


async def bench(
    home: Path, only: Sequence[str], *, sizes: Sizes, seed: int, report: Report, begin: Callable[[str], None]
) -> Figures:
    """Measure the sections `only`, in order; `begin` hears of each before it starts."""
    began, load = time.monotonic(), os.getloadavg()[0]
    found: Figures = {}
    seconds: dict[str, int] = {}
    async with ground(home, report) as on:
        for name in only:
            begin(name)
            since = time.monotonic()
            found[name] = await SECTIONS[name](Run(on, sizes, seed, report))
            seconds[name] = round(time.monotonic() - since)
    machine = {
        "cores": os.cpu_count(),
        "load": {"before": round(load, 2), "after": round(os.getloadavg()[0], 2)},
        "python": platform.python_version(),
        "durable": True,
    }
    seconds["all"] = round(time.monotonic() - began)
    return {**found, "machine": machine, "seed": seed, "seconds": seconds}
