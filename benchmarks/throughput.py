"""Throughput of a service's real work against references (a) and (b), in turns on the same servers.

`python -m benchmarks.throughput progress --events 20000 --json` runs it alone.
"""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from benchmarks import courses, inbound, workload
from benchmarks.contestants import Reference, Stride
from benchmarks.ground import Ground, ground
from benchmarks.measure import Measured, measure
from benchmarks.workload import Work
from stride.embedded.servers import Report, silent

WORKLOADS: Mapping[str, Callable[[int, str, int], Work]] = {
    "intake": inbound.intake,
    "scheduling": courses.scheduling,
    "progress": workload.progress,
    "notifications": courses.notifications,
}
SHARE: Mapping[str, float] = {"scheduling": 0.02}
"""A plan becomes a booked course of eighteen sessions: fewer of them are as much work."""
_USUAL_SHARE, _USUAL_FEWEST = 20, 50
"""Reference (b) gets a twentieth of the events: it would take minutes over all of them."""


async def throughput(
    on: Ground, service: str, *, events: int, rounds: int, seed: int, usual: bool = True, report: Report = silent
) -> dict[str, object]:
    """Rounds of (a), Stride and (b), in turns; ratios are the medians over the rounds."""
    runs: dict[str, list[Measured]] = {"bare": [], "stride": [], "usual": []}
    events = max(1, round(events * SHARE.get(service, 1)))
    for number in range(rounds):
        work = WORKLOADS[service](seed, f"{service}-{number}", events)
        topics = sorted({record.topic for record in work.measured})
        contestants = [Reference("bare", topics), ours(service, work)][:: -1 if number % 2 else 1]
        for contestant in contestants:
            report(f"{service}: {contestant.name}, round {number + 1} of {rounds}")
            runs[contestant.name].append(await measure(on, contestant, work))
        if usual:
            report(f"{service}: the usual handler, round {number + 1} of {rounds}")
            runs["usual"].append(
                await measure(on, Reference("usual", topics), work.first(max(_USUAL_FEWEST, events // _USUAL_SHARE)))
            )
    return _summary(runs, events)


def ours(service: str, work: Work) -> Stride:
    """The service as it runs; notifications without its sender, since a mail server is not measured here."""
    return Stride(service, work, module="benchmarks.quiet_notifications" if service == "notifications" else "")


def _summary(runs: Mapping[str, list[Measured]], events: int) -> dict[str, object]:
    mine = runs["stride"]
    return {
        "events": events,
        "per_s": _middle([run.per_second for run in mine]),
        **{
            f"of_{name}": _middle([run.per_second / other.per_second for run, other in zip(mine, others, strict=True)])
            for name, others in runs.items()
            if others and name != "stride"
        },
        "published_per_event": _middle([run.published / run.events for run in mine]),
        "cpu_us_per_event": {name: _cpu(measured) for name, measured in runs.items() if measured},
        "rounds": {name: [round(run.per_second) for run in measured] for name, measured in runs.items() if measured},
    }


def _cpu(runs: list[Measured]) -> dict[str, float]:
    """Microseconds of CPU an event, which other work on the machine hardly changes."""
    return {
        "own": _middle([run.own_cpu / run.events * 1e6 for run in runs]),
        "postgres": _middle([run.postgres_cpu / run.events * 1e6 for run in runs]),
        "kafka": _middle([run.kafka_cpu / run.events * 1e6 for run in runs]),
    }


def _middle(values: list[float]) -> float:
    return round(median(values), 3)


async def _alone(told: argparse.Namespace) -> None:
    def report(step: str) -> None:
        sys.stderr.write(step + "\n")

    with tempfile.TemporaryDirectory(prefix="stride-bench-") as folder:
        async with ground(Path(folder), report) as on:
            size = {"events": told.events, "rounds": told.rounds, "seed": told.seed}
            found = await throughput(on, told.service, **size, usual=told.usual, report=report)
    sys.stdout.write((json.dumps(found) if told.json else json.dumps(found, indent=2)) + "\n")


def main() -> None:
    """Measure one service."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("service", choices=sorted(WORKLOADS))
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one line")
    parser.add_argument("--no-usual", dest="usual", action="store_false", help="without reference (b)")
    asyncio.run(_alone(parser.parse_args()))


if __name__ == "__main__":
    main()
