"""A console over many courses: its tables filled by SQL, served on a port, with somebody who has signed in."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from sqlalchemy import text

from benchmarks.stage import stage
from benchmarks.workload import FIRST_DAY
from services.console.api import edge
from services.console.gateways.accounts import password_hash
from services.console.handlers import HANDLERS
from services.console.store import FileStore, sessions
from services.scheduling.inbound.clinics import description_of
from shared.clinics import load_clinics
from shared.clock import FileClock
from shared.database import open_engine
from shared.events.base import Fact
from shared.messaging.door import Door
from shared.messaging.message import Message
from shared.messaging.relay import Relay
from shared.messaging.service import Running
from shared.settings import Settings
from stride.embedded.ports import LOOPBACK, free_port

CLINIC: Final = "bench-0"
_PER_CLINIC: Final = 5_000
"""Courses of one clinic; a stack serves many clinics."""
_ALERTS: Final = 10
_WEEKS: Final = 20
_APPOINTMENTS: Final = 12
"""Of each course: a clinic has 240 a day, with 24 practitioners."""
_FILL: Final = (
    """
    INSERT INTO patient SELECT 'bench-' || n / CAST(:per AS integer), 'p-' || n, 'Patient ' || n || ' of the Bench', 0
    FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n
    """,
    """
    INSERT INTO alert (clinic_id, patient_id, alert_id, kind, severity, title, plan_id, raised_at, revision, owner,
        owner_revision, taken_revision, snoozed_revision, asked_again_revision, state, resolved_at, resolved_by)
    SELECT 'bench-' || n / CAST(:per AS integer), 'p-' || n, 'al-' || n || '-' || a, 'milestone',
        CASE WHEN a = 0 THEN 'warning' ELSE 'info' END, 'Milestone reached: number ' || a, 'plan-' || n,
        CAST(:now AS timestamptz) - make_interval(mins => (n * 7 + a) % 100000), 1, 'st-ada', 1, 0, 0, 0,
        CASE WHEN (n + a) % 50 = 0 THEN 'open' ELSE 'resolved' END,
        CASE WHEN (n + a) % 50 = 0 THEN NULL ELSE CAST(:now AS timestamptz) END,
        CASE WHEN (n + a) % 50 = 0 THEN NULL ELSE 'st-ada' END
    FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n,
        generate_series(0, CAST(:alerts AS integer) - 1) AS a
    """,
    """
    INSERT INTO appointment (clinic_id, patient_id, appointment_id, plan_id, sequence, version, state, reason,
        start_at, end_at, placed_version, practitioner_id, room_id)
    SELECT 'bench-' || n / CAST(:per AS integer), 'p-' || n, 'ap-' || n || '-' || a, 'plan-' || n, a + 1, 1,
        CASE WHEN (n + a) % 20 = 0 THEN 'cancelled' ELSE 'booked' END, '', start_at, start_at + interval '45 min', 1,
        'pr-' || (number / 250) % 24, 'room-' || (number / 250) % 24
    FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n,
        generate_series(0, CAST(:appointments AS integer) - 1) AS a,
        LATERAL (SELECT n % CAST(:per AS integer) * CAST(:appointments AS integer) + a) AS counted (number),
        LATERAL (SELECT CAST(:now AS timestamptz) + make_interval(days => number % 250 - 125,
            mins => number / 6000 * 60)) AS placed (start_at)
    """,
    """
    INSERT INTO attendance SELECT clinic_id, patient_id, 's-' || appointment_id, start_at, plan_id, appointment_id,
        false
    FROM appointment WHERE start_at < CAST(:now AS timestamptz) AND state = 'booked'
        AND clinic_id = 'bench-' || CAST(:first AS integer) / CAST(:per AS integer)
    """,
    """
    INSERT INTO weekly SELECT 'bench-' || n / CAST(:per AS integer), 'p-' || n, 'plan-' || n, 'no-show',
        CAST(date_trunc('week', CAST(:now AS timestamptz)) AS date) - 7 * w, 'foot-drop-acupuncture', 'share',
        (n + w) % 10 / 9, 1
    FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n,
        generate_series(0, CAST(:weeks AS integer) - 1) AS w
    """,
)


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
    await _fill(database_url, courses)
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
    await made.admit([description_of(clinic, FIRST_DAY, 1)])
    try:
        yield made
    finally:
        running.stopping.set()
        server.should_exit = True
        await serving
        await engine.dispose()


async def _fill(database_url: str, courses: int) -> None:
    engine = open_engine(database_url, "console", pool_size=1)
    given = {"per": _PER_CLINIC, "alerts": _ALERTS, "weeks": _WEEKS, "appointments": _APPOINTMENTS, "now": FIRST_DAY}
    for first in range(0, courses, _PER_CLINIC):
        wanted = {**given, "first": first, "last": min(courses, first + _PER_CLINIC) - 1}
        async with engine.begin() as tx:
            for statement in _FILL:
                needed = {name: value for name, value in wanted.items() if f":{name} " in statement}
                await tx.execute(text(statement), needed)
    async with engine.begin() as tx:
        await tx.execute(text("ANALYZE"))
    await engine.dispose()
