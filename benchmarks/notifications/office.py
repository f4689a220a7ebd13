"""The notifications service without Kafka: its door and its sender, as `main.py` connects them."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.notifications.people import clinic_named
from services.notifications.gateways import Inbox, Mail, Patience
from services.notifications.handlers import HANDLERS
from services.notifications.letters import Letters, Wordings
from services.notifications.sender import Composer, Courier, Outlet, Pace, Route, Sender, Writer
from services.notifications.store import PatientStore
from services.notifications.store.ledger import Ledger
from shared.clock import SystemClock
from shared.database import open_engine
from shared.events.base import Fact
from shared.ids import random_id
from shared.messaging.door import Door
from shared.messaging.message import Message
from shared.messaging.relay import Relay
from stride.embedded.ports import LOOPBACK

NOWHERE = f"{LOOPBACK}:1"
"""No Kafka is needed: the outbox is only filled."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an office works. `asking`: the port of an inbox that can be asked, 0 where there is none."""

    database_url: str
    clinic_id: str
    smtp_port: int
    asking: int = 0
    lease_seconds: float = 15.0
    at_once: int = 10


@dataclass(frozen=True, slots=True)
class Office:
    """A door and a ledger."""

    place: Place
    engine: AsyncEngine
    door: Door
    store: PatientStore
    ledger: Ledger

    async def admit(self, facts: Sequence[Fact]) -> None:
        """As they come from Kafka; those that came before change nothing."""
        await self.door.admit([Message(fact.event_id, "bench", fact) for fact in facts])

    @asynccontextmanager
    async def sending(self) -> AsyncGenerator[None]:
        """Its sender runs while the block lasts."""
        place = self.place
        pace = Pace(lease_seconds=place.lease_seconds)
        inbox = Inbox(f"http://{LOOPBACK}:{place.asking}") if place.asking else None
        mail = Mail(
            "smtp", f"smtp://{LOOPBACK}:{place.smtp_port}", Patience(pace.command_seconds, pace.answer_seconds),
            inbox=inbox,
        )  # fmt: skip
        clinics = {place.clinic_id: clinic_named(place.clinic_id)}
        composer = Composer(self.door.clock, clinics, Letters(Wordings(), "https://stride.example"), {}, self.engine)
        writer = Writer(self.door, self.ledger, pace)
        routes = {"email": Route("email", [Outlet(mail)], at_once=place.at_once)}
        sender = Sender(self.door, self.ledger, writer, Courier(self.door.clock, writer, composer, routes), pace)
        task = asyncio.create_task(sender.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await mail.close()


@asynccontextmanager
async def office(place: Place) -> AsyncGenerator[Office]:
    """One that is open while the block lasts."""
    engine = open_engine(place.database_url, "notifications")
    store = PatientStore({place.clinic_id: clinic_named(place.clinic_id)})
    door = Door("notifications", HANDLERS, store, engine, SystemClock(), Relay(engine, NOWHERE))
    try:
        yield Office(place, engine, door, store, Ledger(store, random_id()))
    finally:
        await engine.dispose()
