"""A console over many courses: its tables filled by SQL, served on a port, with somebody who has signed in."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from benchmarks.console.filling import fill
from benchmarks.stage import stage
from benchmarks.workload import FIRST_DAY, outcomes, plan
from services.console.api import edge
from services.console.gateways.accounts import password_hash
from services.console.handlers import HANDLERS
from services.console.store import FileStore, sessions
from services.scheduling.inbound.clinics import description_of
from shared.clinics import load_clinics
from shared.clock import FileClock
from shared.database import open_engine
from shared.events.base import Fact
from shared.events.scheduling import UnplacedSession, WorkQueueChanged
from shared.messaging.door import Door
from shared.messaging.message import Message
from shared.messaging.relay import Relay
from shared.messaging.service import Running
from shared.settings import Settings
from stride.embedded.ports import LOOPBACK, free_port

CLINIC: Final = "bench-0"
COURSE: Final = plan(CLINIC, 0).plan_id
"""The course that has all its facts."""
_EVENTS: Final = 36
"""Of that course: sessions and readings at home."""


@dataclass(slots=True)
class Ground:
    """A console that is served."""

    url: str
    door: Door
    link: str
    """Signs a clinician in, once."""

    async def admit(self, facts: list[Fact]) -> None:
        """Facts come, in one batch."""
        await self.door.admit([Message(fact.event_id, "bench", fact) for fact in facts])

    async def another_link(self) -> str:
        """One more that signs in once."""
        async with self.door.work() as work:
            return f"{self.url}/enter/{await sessions.make_link(work.tx, 'ada@riverside.example', 60)}"


@asynccontextmanager
async def ground(database_url: str, home: Path, courses: int) -> AsyncGenerator[Ground]:
    """The console, until the end of the block."""
    environment = stage(home, [CLINIC], FIRST_DAY)
    who = {"clinic_id": CLINIC, "person_id": "st-ada", "name": "Ada Lindqvist", "roles": ["clinician", "auditor"]}
    accounts = {"ada@riverside.example": {**who, "password": password_hash("of the bench alone")}}
    (home / "accounts.json").write_text(json.dumps(accounts))
    engine = open_engine(database_url, "console")
    await fill(database_url, courses)
    door = Door("console", HANDLERS, FileStore(), engine, FileClock(home / "clock"), Relay(engine, "127.0.0.1:9"))
    given: dict[str, Any] = {name.lower(): value for name, value in environment.items()}
    settings = Settings(kafka_bootstrap="none", database_url="none", **given)
    running = Running(settings, engine, door.clock, door.relay, door)
    app, port = FastAPI(), free_port(set())
    edge(running, app)
    server = uvicorn.Server(uvicorn.Config(app, LOOPBACK, port, log_level="error", timeout_graceful_shutdown=2))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    made = Ground(f"http://{LOOPBACK}:{port}", door, "")
    made.link = await made.another_link()
    (clinic,) = load_clinics(settings.stride_clinics).values()
    await made.admit([description_of(clinic, FIRST_DAY, 1), *_one_course()])
    try:
        yield made
    finally:
        running.stopping.set()
        server.should_exit = True
        await serving
        await engine.dispose()


def _one_course() -> list[Fact]:
    """A course with all its facts, one session of which has no time: the page of a course is made from facts alone."""
    planned = plan(CLINIC, 0)
    session = UnplacedSession(
        sequence=3, earliest=FIRST_DAY, latest=FIRST_DAY + timedelta(days=3), reason="fully-booked"
    )
    waits = WorkQueueChanged(
        clinic_id=CLINIC, patient_id=planned.patient_id, plan_id=planned.plan_id, revision=1, waiting=(session,),
        changed_at=FIRST_DAY,
    )  # fmt: skip
    return [planned, waits, *outcomes(Random(1), CLINIC, 1, _EVENTS)]
