"""What one event costs each service: CPU of Python, PostgreSQL and Kafka, bytes kept; for docs/scale.md."""

from pathlib import Path
from typing import Any

from benchmarks.contestants import Contestant
from benchmarks.ground import Ground
from benchmarks.measure import Measured, measure
from benchmarks.records import mean_bytes
from benchmarks.scale import LONG_HISTORY, scale
from benchmarks.throughput import SHARE, WORKLOADS, ours
from benchmarks.workload import Work, progress
from stride.embedded.servers import Report, silent

_ROWS = """
    SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'
"""


async def costs(on: Ground, *, events: int, seed: int, report: Report = silent) -> dict[str, object]:
    """Per event and service: microseconds of CPU, records published, bytes in PostgreSQL and on Kafka.

    `long_history` is progress with patients of 100 events each instead of 10: what a longer record costs.
    """
    found: dict[str, Any] = {}
    for service, make in WORKLOADS.items():
        report(f"costs: {service}")
        work = make(seed, f"costs-{service}", max(1, round(events * SHARE.get(service, 1))))
        found[service] = await _of_one(on, service, work)
    report("costs: progress with long records")
    long_history = await _of_one(on, "progress", progress(seed, "costs-long", events, LONG_HISTORY))
    return {"services": found, "long_history": long_history, "scale": scale(found, long_history)}


async def _of_one(on: Ground, service: str, work: Work) -> dict[str, float]:
    contestant = ours(service, work)
    stored, kept = await _stored(on, service), _kept(on, contestant)
    run = await measure(on, contestant, work)
    # The warm-up and the preparation are stored as well: the bytes are shared out among all of them.
    taken = sum(record.topic in contestant.reads for record in (*work.before, *work.measured))
    return _costs(run) | {
        "kafka_bytes_read": round(mean_bytes(work.measured)),
        "kafka_bytes_published": round((_kept(on, contestant) - kept) / taken),
        "database_bytes": round((await _stored(on, service) - stored) / taken),
    }


def _costs(run: Measured) -> dict[str, float]:
    return {
        "python_us": round(run.own_cpu / run.events * 1e6, 1),
        "postgres_us": round(run.postgres_cpu / run.events * 1e6, 1),
        "kafka_us": round(run.kafka_cpu / run.events * 1e6, 1),
        "published": round(run.published / run.events, 2),
    }


async def _stored(on: Ground, service: str) -> int:
    size: int = await on.database.fetchval(_ROWS, service)
    return size


def _kept(on: Ground, contestant: Contestant) -> int:
    """Bytes of the topics that it publishes, as they lie on the broker's disk."""
    folder: Path = on.servers.home.folder("kafka") / "data"
    return sum(
        file.stat().st_size
        for topic in contestant.publishes
        for partition in folder.glob(f"{topic}-[0-9]*")
        for file in partition.glob("*.log")
    )
