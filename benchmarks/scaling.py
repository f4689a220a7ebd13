"""Throughput of one group of progress with one, two and four processes on this machine."""

from collections.abc import Sequence
from statistics import median

from benchmarks.contestants import Stride
from benchmarks.ground import Ground
from benchmarks.measure import Measured, measure
from benchmarks.workload import progress
from stride.embedded.servers import Report, silent

PROCESSES = (1, 2, 4)


async def scaling(
    on: Ground, *, events: int, rounds: int, seed: int, sizes: Sequence[int] = PROCESSES, report: Report = silent
) -> dict[str, object]:
    """Events a second for each size of the group, and how often that of one process it is."""
    runs: dict[int, list[Measured]] = {size: [] for size in sizes}
    for number in range(rounds):
        for size in sizes:
            report(f"scaling: {size} processes, round {number + 1} of {rounds}")
            work = progress(seed, f"scaling-{size}-{number}", events)
            runs[size].append(await measure(on, Stride("progress", work), work, processes=size))
    alone = runs[sizes[0]]
    return {
        str(size): {
            "per_s": round(median(run.per_second for run in each)),
            "of_one": round(median(a.per_second / b.per_second for a, b in zip(each, alone, strict=True)), 3),
            "own_cpu_us_per_event": round(median(run.own_cpu / run.events * 1e6 for run in each), 1),
        }
        for size, each in runs.items()
    }
