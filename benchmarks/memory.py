"""Whether the services' memory stays flat: resident bytes while a service works on and on.

Events come in chunks, each of patients not met before; memory is looked at when a chunk is applied. The first
third fills caches and pools and is left out. `slope` is the least-squares line through the rest.
"""

import time
from collections.abc import Sequence
from statistics import linear_regression

from benchmarks import courses
from benchmarks.contestants import Stride
from benchmarks.ground import Ground, skip_to_end
from benchmarks.measure import until_applied
from benchmarks.processes import Running, running
from benchmarks.records import Record, produce
from benchmarks.throughput import WORKLOADS, ours
from benchmarks.workload import FIRST_DAY, Work
from stride.embedded.servers import Report, silent

_FLAT_SHARE = 0.05
_TELLING_SECONDS = 60.0
"""A shorter run sees caches and pools fill, and says nothing about what comes after."""
_FEWEST, _MOST = 9, 2_000


async def memory(
    on: Ground, service: str, *, seconds: float, chunk: int, seed: int, report: Report = silent
) -> dict[str, object]:
    """Megabytes over a run of so many seconds, and how many events that were."""
    contestant = ours(service, _known(service))
    await skip_to_end(on.bootstrap, contestant.group, contestant.reads)
    samples = list[tuple[int, int]]()
    async with running(on, contestant) as processes:
        await contestant.until_ready()
        ends_at, done = time.monotonic() + seconds, 0
        for number in range(_MOST):
            for records in _chunk(service, seed, number, chunk):
                done += await _feed(on, contestant, processes, records, done)
            samples.append((done, processes.resident_bytes))
            report(f"memory: {service}, {done} events, {processes.resident_bytes // 1_000_000} MB")
            if time.monotonic() > ends_at and len(samples) >= _FEWEST:
                break
    return _summary(samples, telling=seconds >= _TELLING_SECONDS)


def _known(service: str) -> Work:
    """Whom the service knows from the start: scheduling its few clinics, intake the tokens of all that will come."""
    if service == "scheduling":
        return Work((), (), FIRST_DAY, courses.turnover(0)[0])
    chunks = _MOST if service == "intake" else 1
    clinics = [f"{kind}-memory-{number}" for number in range(chunks) for kind in ("bench", "warm")]
    return Work((), (), FIRST_DAY, clinics)


def _chunk(service: str, seed: int, number: int, events: int) -> list[list[Record]]:
    """What is handed in at once, in steps; scheduling's courses are ended again, or its clinics would be full."""
    if service == "scheduling":
        return courses.turnover(number)[1]
    work = WORKLOADS[service](seed, f"memory-{number}", events)
    return [[*work.before, *work.measured]]


async def _feed(on: Ground, contestant: Stride, processes: Running, records: Sequence[Record], done: int) -> int:
    mine = [record for record in records if record.topic in contestant.reads]
    ends = await produce(on.bootstrap, mine)
    await until_applied(on, contestant, processes, ends, done + len(mine))
    return len(mine)


def _summary(samples: Sequence[tuple[int, int]], *, telling: bool) -> dict[str, object]:
    rest = samples[len(samples) // 3 :]
    events = rest[-1][0] - rest[0][0]
    slope, _ = linear_regression([float(done) for done, _ in rest], [float(held) for _, held in rest])
    grown = slope * events
    return {
        "events": samples[-1][0],
        "first_mb": round(samples[0][1] / 1e6, 1),
        "last_mb": round(samples[-1][1] / 1e6, 1),
        "mb_per_million_events": round(slope, 2),
        "grown_share": round(grown / rest[0][1], 4),
        "flat": bool(grown < _FLAT_SHARE * rest[0][1]) if telling else None,
    }
