"""One clinic that everybody books at once: several scheduling processes on one database, beside two references."""

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from typing import Any

from benchmarks.ground import Ground
from benchmarks.scheduling.writer import BEFORE, Still
from services.scheduling.handlers import HANDLERS
from services.scheduling.inbound import bring_in
from services.scheduling.store import SchedulingStore
from shared.clinics import Clinic
from shared.database import open_engine
from shared.messaging.door import Door
from shared.messaging.relay import Relay

PROCESSES, WRITERS = 4, 4
_COURSES, _SESSIONS = 12, 12
"""For each process and round; sessions of each course."""
_OVERLAPS = """
    SELECT count(*) FROM scheduling.claim one JOIN scheduling.claim other
        ON one.resource = other.resource AND one.id < other.id AND one.during && other.during
    WHERE one.live AND other.live
"""
_PARTIAL = f"""
    SELECT count(*) FROM (
        SELECT s.plan_id FROM scheduling.session s LEFT JOIN scheduling.appointment a
            ON (a.clinic_id, a.plan_id, a.sequence) = (s.clinic_id, s.plan_id, s.sequence)
        GROUP BY s.clinic_id, s.plan_id
        HAVING count(*) FILTER (WHERE a.id IS NOT NULL OR s.unplaced_reason IS NOT NULL) <> {_SESSIONS}) AS broken
"""


async def hot(on: Ground, rounds: int) -> dict[str, Any]:
    """Stride's figures, with those of `retry` and `serializable`, in turns on the same server."""
    found: dict[str, Any] = {}
    before = await _deadlocks(on)
    for way in ("stride", "retry", "serializable"):
        found[way] = await _way(on, way, rounds if way == "stride" else 1)
        after = await _deadlocks(on)
        found[way]["deadlocks"], before = after - before, after
    checked = {"overlaps": await on.database.fetchval(_OVERLAPS), "partial": await on.database.fetchval(_PARTIAL)}
    return {**found.pop("stride"), **checked, "writers": PROCESSES * WRITERS, "references": found}


async def _way(on: Ground, way: str, rounds: int) -> dict[str, Any]:
    seconds: list[float] = []
    spent, retries = 0.0, 0
    for number in range(rounds):
        clinic = f"hot-{way}-{number}"
        await _describe(on, clinic)
        await _describe(on, clinic + BEFORE)
        began, told = await _write(on, clinic, way)
        spent += began
        for each in told:
            seconds += each["seconds"]
            retries += each["retries"]
    ordered = sorted(seconds)
    return {
        "courses": len(ordered),
        "p50_ms": round(ordered[len(ordered) // 2] * 1000, 1),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000, 1),
        "courses_per_s": round(len(ordered) / spent, 1),
        "retries": retries,
    }


async def _write(on: Ground, clinic: str, way: str) -> tuple[float, list[dict[str, Any]]]:
    """The seconds from the common start to the end of the last process, and what each tells."""
    processes = [await _process(on, clinic, way, number) for number in range(PROCESSES)]
    for process in processes:
        assert process.stdout
        await process.stdout.readline()
    began = time.perf_counter()
    told = [json.loads(out) for out, _ in await asyncio.gather(*(each.communicate(b"go\n") for each in processes))]
    return time.perf_counter() - began, told


async def _process(on: Ground, clinic: str, way: str, number: int) -> Process:
    numbers = (str(number * _COURSES), str(_COURSES))
    command = ("-m", "benchmarks.scheduling.writer", on.database_url, clinic, way, str(WRITERS), *numbers)
    return await create_subprocess_exec(sys.executable, *command, stdin=PIPE, stdout=PIPE, env=on.environment())


async def _describe(on: Ground, clinic: str) -> None:
    engine = open_engine(on.database_url, "scheduling")
    relay = Relay(engine, on.bootstrap)
    door = Door("scheduling", HANDLERS, SchedulingStore(Still()), engine, Still(), relay)
    await bring_in(door, a_clinic(clinic, practitioners=5, rooms=3))
    await engine.dispose()


def a_clinic(clinic: str, practitioners: int, rooms: int) -> Clinic:
    """A clinic that is open ten hours on weekdays."""
    days = ("MO", "TU", "WE", "TH", "FR")
    return Clinic.model_validate(
        {
            "clinic_id": clinic,
            "name": clinic,
            "email": "desk@clinic.example",
            "zone": "Europe/London",
            "hours": {day: [{"start": "08:00", "end": "18:00"}] for day in days},
            "practitioners": [{"id": f"pr-{n}", "name": "P", "skills": ["acupuncture"]} for n in range(practitioners)],
            "rooms": [{"id": f"room-{n}", "name": "R", "kind": "treatment"} for n in range(rooms)],
            "staff": [{"id": "st-1", "name": "S", "email": "s@clinic.example", "roles": ["clinician"]}],
            "roster": {"clinician": ["st-1"]},
        }
    )


async def _deadlocks(on: Ground) -> int:
    await on.database.execute("SELECT pg_stat_clear_snapshot()")
    await asyncio.sleep(1.5)
    return await on.database.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
