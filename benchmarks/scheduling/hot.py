"""One clinic that everybody books at once: several scheduling processes on one database, beside two references."""

import asyncio
from typing import Any

from benchmarks.ground import Ground
from benchmarks.scheduling.crowd import Crowd, Wrong


async def hot(on: Ground, rounds: int) -> dict[str, Any]:
    """Stride's figures, with those of `retry` and `serializable`, in turns on the same server."""
    found: dict[str, Any] = {}
    before = await _deadlocks(on)
    for way in ("stride", "retry", "serializable"):
        found[way] = await _way(on, way, rounds if way == "stride" else 1)
        after = await _deadlocks(on)
        found[way]["deadlocks"], before = after - before, after
    return {**found.pop("stride"), "references": found}


async def _way(on: Ground, way: str, rounds: int) -> dict[str, Any]:
    seconds, writers = list[float](), 0
    spent, retries, wrong = 0.0, 0, list[Wrong]()
    for number in range(rounds):
        crowd = Crowd(on.database_url, on.environment(), f"hot-{way}-{number}", way)
        took, told = await crowd.book()
        wrong.append(await crowd.wrong())
        writers = crowd.processes * crowd.writers
        spent += took
        for each in told:
            seconds += each["seconds"]
            retries += each["retries"]
    ordered = sorted(seconds)
    return {
        "writers": writers,
        "courses": len(ordered),
        "p50_ms": round(ordered[len(ordered) // 2] * 1000, 1),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000, 1),
        "courses_per_s": round(len(ordered) / spent, 1),
        "retries": retries,
        "overlaps": sum(each.overlaps for each in wrong),
        "partial": sum(each.partial + each.missing for each in wrong),
    }


async def _deadlocks(on: Ground) -> int:
    await on.database.execute("SELECT pg_stat_clear_snapshot()")
    await asyncio.sleep(1.5)
    return await on.database.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
