"""Several scheduling processes that book into one clinic at once, and what must hold afterwards."""

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from benchmarks.scheduling.writer import BEFORE, Still
from services.scheduling.handlers import HANDLERS
from services.scheduling.inbound.clinics import bring_in
from services.scheduling.store import SchedulingStore
from shared.clinics import Clinic
from shared.database import open_engine
from shared.messaging.door import Door
from shared.messaging.relay import Relay

SESSIONS = 12
"""Of each course."""
_OVERLAPS = text("""
    SELECT count(*) FROM claim one JOIN claim other
        ON one.resource = other.resource AND one.id < other.id AND one.during && other.during
    JOIN resource ON resource.id = one.resource
    WHERE one.live AND other.live AND resource.clinic_id = :clinic
""")
_COURSES = text("""
    SELECT session.plan_id, count(*) FILTER (WHERE appointment.id IS NOT NULL OR unplaced_reason IS NOT NULL) AS served
    FROM session LEFT JOIN appointment USING (clinic_id, plan_id, sequence)
    WHERE session.clinic_id = :clinic GROUP BY session.plan_id
""")


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many processes with so many writers each, booking so many courses each into one clinic."""

    database_url: str
    environment: Mapping[str, str]
    clinic: str
    way: str = "stride"
    """As `benchmarks.scheduling.writer` names it."""
    processes: int = 4
    writers: int = 4
    courses: int = 12

    async def describe(self) -> None:
        """Let the clinic be known, and the one that is booked into to warm up."""
        engine = open_engine(self.database_url, "scheduling")
        door = Door("scheduling", HANDLERS, SchedulingStore(Still()), engine, Still(), Relay(engine, "localhost:1"))
        for name in (self.clinic, self.clinic + BEFORE):
            await bring_in(door, a_clinic(name, practitioners=5, rooms=3))
        await engine.dispose()

    async def start(self) -> list[Process]:
        """All processes, connected and waiting."""
        return [await self.start_one(number) for number in range(self.processes)]

    async def start_one(self, number: int) -> Process:
        """One of them; started again, it books the same courses."""
        words = (self.database_url, self.clinic, self.way, self.writers, number * self.courses, self.courses)
        command = ("-m", "benchmarks.scheduling.writer", *map(str, words))
        process = await create_subprocess_exec(
            sys.executable, *command, stdin=PIPE, stdout=PIPE, env=dict(self.environment)
        )
        assert process.stdout
        await process.stdout.readline()
        return process

    async def book(self) -> tuple[float, list[dict[str, Any]]]:
        """The seconds from the common start to the end of the last process, and what each tells."""
        await self.describe()
        processes = await self.start()
        began = time.perf_counter()
        for process in processes:
            begin(process)
        told = await asyncio.gather(*map(finished, processes))
        return time.perf_counter() - began, told

    async def wrong(self) -> "Wrong":
        """What must not be, as it stands in the database."""
        engine = open_engine(self.database_url, "scheduling")
        async with engine.connect() as tx:
            overlaps = await tx.scalar(_OVERLAPS, {"clinic": self.clinic})
            courses: Sequence[Any] = (await tx.execute(_COURSES, {"clinic": self.clinic})).all()
        await engine.dispose()
        partial = sum(course.served != SESSIONS for course in courses)
        return Wrong(overlaps or 0, partial, self.processes * self.courses - len(courses))


@dataclass(frozen=True, slots=True)
class Wrong:
    """What may never come of booking at once."""

    overlaps: int = 0
    """Pairs of live claims on one resource."""
    partial: int = 0
    """Courses of which a session has neither an appointment nor a reason why not."""
    missing: int = 0
    """Courses that were answered for and are not there."""


def begin(process: Process) -> None:
    """Let a process that waits book."""
    assert process.stdin
    process.stdin.write(b"go\n")


async def finished(process: Process) -> dict[str, Any]:
    """What a process tells at its end.

    Raises:
        RuntimeError: it ended with an error; what it said of it is on the standard error.
    """
    out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"a writer ended with {process.returncode}")
    told: dict[str, Any] = json.loads(out)
    return told


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
