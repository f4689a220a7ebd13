"""A clinic's desk on real PostgreSQL: one scheduling process through its door, and the fixtures that open one."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.scheduling.handlers import HANDLERS
from services.scheduling.inbound.clinics import bring_in
from services.scheduling.store import SchedulingStore
from shared.clinics import Clinic
from shared.database import open_engine
from shared.events.base import Fact
from shared.messaging.door import Door
from shared.messaging.message import Message, Outcome
from shared.messaging.relay import Relay

_OVERLAPS = text("""
    SELECT count(*) FROM claim one JOIN claim other
        ON one.resource = other.resource AND one.id < other.id AND one.during && other.during
    JOIN resource ON resource.id = one.resource
    WHERE one.live AND other.live AND resource.clinic_id = :clinic
""")
_WEEK: dict[str, list[dict[str, str]]] = {
    day: [{"start": "08:00", "end": "18:00"}] for day in ("MO", "TU", "WE", "TH", "FR")
}


@dataclass
class Wall:
    """A clock that shows what it is set to."""

    moment: datetime = datetime(2026, 3, 2, 9, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


def a_clinic(clinic_id: str, practitioners: int = 2, rooms: int = 2, **more: Any) -> Clinic:
    staff = {"id": "st-1", "name": "S", "email": "s@clinic.example", "roles": ["clinician"]}
    return Clinic.model_validate(
        {
            "clinic_id": clinic_id,
            "name": clinic_id,
            "email": "c@clinic.example",
            "zone": "Europe/London",
            "hours": _WEEK,
            "practitioners": [{"id": f"pr-{i}", "name": "P", "skills": ["acupuncture"]} for i in range(practitioners)],
            "rooms": [{"id": f"room-{i}", "name": "R", "kind": "treatment"} for i in range(rooms)],
            "staff": [staff],
            "roster": {"clinician": ["st-1"]},
            **more,
        }
    )


class Desk:
    """One scheduling process: its own engine, store and door."""

    def __init__(self, engine: AsyncEngine, clinic: Clinic | None, wall: Wall, clinic_id: str = "") -> None:
        self.engine, self.clinic, self.wall = engine, clinic, wall
        self.clinic_id = clinic.clinic_id if clinic else clinic_id
        self.store = SchedulingStore(wall)
        relay = Relay(engine, "localhost:1")
        self.door = Door("scheduling", HANDLERS, self.store, engine, wall, relay)

    async def start(self) -> None:
        """Bring the clinic's file in, as a process does when it starts."""
        if self.clinic:
            await bring_in(self.door, self.clinic)
            self.clinic = None

    async def take(self, *facts: Fact) -> list[Outcome]:
        await self.start()
        return await self.door.admit([Message(fact.event_id, "/stride/intake", fact) for fact in facts])

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        async with self.engine.connect() as tx:
            return list((await tx.execute(text(sql), {"clinic": self.clinic_id, **values})).all())

    async def overlaps(self) -> int:
        async with self.engine.connect() as tx:
            return int(await tx.scalar(_OVERLAPS, {"clinic": self.clinic_id}) or 0)

    async def published(self) -> list[str]:
        """Names of the facts that leave, in order."""
        rows = await self.rows(
            "SELECT aggregatetype FROM outbox WHERE convert_from(aggregateid, 'UTF8') LIKE :clinic || '/%'"
            " ORDER BY position"
        )
        return [row.aggregatetype for row in rows]

    async def appointments(self, patient: str = "p1") -> list[Any]:
        return await self.rows(
            "SELECT * FROM appointment WHERE clinic_id = :clinic AND patient_id = :patient ORDER BY start_at, id",
            patient=patient,
        )


@pytest_asyncio.fixture(loop_scope="session")
async def engine(database_url: str) -> AsyncGenerator[AsyncEngine]:
    opened = open_engine(database_url, "scheduling")
    yield opened
    await opened.dispose()


@pytest.fixture
def desk(engine: AsyncEngine, clinic_id: str) -> Desk:
    return Desk(engine, a_clinic(clinic_id), Wall())


def names(outcomes: Sequence[Outcome]) -> list[str]:
    return [outcome.state for outcome in outcomes]
