"""A console with a real scheduling beside it: both doors on PostgreSQL, facts carried between them by the test."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.scheduling import api
from shared.clock import FileClock
from shared.database import open_engine
from shared.events.base import Fact
from shared.events.clinical import Phase
from shared.events.console import DeskActionRequested
from shared.events.intake import AppointmentChangeRequested, PatientRegistered
from shared.messaging import wire
from shared.messaging.service import Running
from shared.settings import Settings
from stride.embedded.ports import LOOPBACK, free_port
from tests.browser.console import Console, serving
from tests.domain.progress_story import Story, at
from tests.domain.scheduling_examples import INTENSIVE, plan
from tests.handlers.console_desk import door_of
from tests.handlers.scheduling_desk import Desk, Wall, a_clinic

WEDNESDAYS = {"WE": [{"start": "08:00", "end": "12:00"}]}


@dataclass(slots=True)
class Scene:
    """Both services, and what has been carried so far."""

    console: Console
    desk: Desk
    clock: FileClock
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    _position: int = 0

    async def comes(self, patient: str, name: str, *phases: Phase) -> None:
        """A patient with a course: at a clinic that is open on Wednesdays, not all sessions find a time."""
        told = Story(self.console.clinic_id, patient)
        contact = {"name": name, "email": "m@example.org"}
        created = plan(patient, phases or [INTENSIVE], clinic=self.console.clinic_id, starts_on=date(2026, 3, 11))
        await self.console.admit(told.fact(PatientRegistered, contact=contact, recorded_at=at(0)), created)
        await self.takes(created)

    async def takes(self, *facts: Fact) -> None:
        """Scheduling decides, and the console hears of it."""
        await self.desk.take(*facts)
        await self.console.admit(*await self._published())

    async def fulfil(self) -> None:
        """What people have asked for reaches scheduling by way of intake, which publishes it as it is."""
        asked = await self.console.asked()
        fresh, self.asked = asked[len(self.asked) :], asked
        for each in fresh:
            kind = AppointmentChangeRequested if "change" in each else DeskActionRequested
            request = kind.model_validate(each)
            await self.console.admit(request)
            await self.takes(request)

    def passes(self, time: timedelta) -> None:
        """Time, on the clocks of both."""
        self.desk.wall.moment += time
        self.clock.set(self.desk.wall.moment)

    async def _published(self) -> list[Fact]:
        query = text("""
            SELECT position, aggregatetype, payload FROM outbox
            WHERE position > :after AND convert_from(aggregateid, 'UTF8') LIKE :mine ORDER BY position
        """)
        async with self.desk.engine.connect() as tx:
            rows = (await tx.execute(query, {"after": self._position, "mine": f"{self.console.clinic_id}/%"})).all()
        self._position = rows[-1].position if rows else self._position
        return [wire.read_fact(wire.known_type(f"clinic.{row.aggregatetype}.v1"), row.payload) for row in rows]


@asynccontextmanager
async def scene(database_url: str, clinic_id: str, folder: Path, clinics: Path) -> AsyncGenerator[Scene]:
    """A console and a scheduling that answers it, until the end of the block, on day 60 of `progress_story`."""
    clock = FileClock.create(folder / "clock", at(60))
    mine, theirs = open_engine(database_url, "console"), open_engine(database_url, "scheduling")
    clinic = a_clinic(clinic_id, 1, 1, hours=WEDNESDAYS)
    named = {
        "practitioners": [clinic.practitioners[0].model_copy(update={"id": "pr-ben"})],
        "rooms": [clinic.rooms[0].model_copy(update={"id": "room-1"})],
    }
    desk = Desk(theirs, clinic.model_copy(update=named), Wall(at(60)))
    port = free_port(set())
    known = {"stride_services": f"scheduling=http://{LOOPBACK}:{port}"}
    async with serving(door_of(mine, clock), clinic_id, folder, clinics, **known) as console, _edge(desk, folder, port):
        yield Scene(console, desk, clock)
    await _gone(mine, theirs)


async def _gone(*engines: AsyncEngine) -> None:
    for engine in engines:
        await engine.dispose()


@asynccontextmanager
async def _edge(desk: Desk, folder: Path, port: int) -> AsyncGenerator[None]:
    given: dict[str, Any] = {"kafka_bootstrap": "none", "database_url": "none", "stride_tokens": folder / "tokens.json"}
    settings = Settings.model_validate(given)
    app = FastAPI()
    api.mount(Running(settings, desk.engine, desk.wall, desk.door.relay, desk.door), app)
    server = uvicorn.Server(uvicorn.Config(app, host=LOOPBACK, port=port, log_level="error"))
    serving = asyncio.create_task(server._serve())  # pyright: ignore[reportPrivateUsage]  # ours are the signals
    while not server.started:
        await asyncio.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await serving
