"""The console as its tests meet it: the real door on PostgreSQL, and its pages for holders of tokens."""

import hashlib
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.api import edge
from services.console.handlers import HANDLERS
from services.console.store import FileStore
from shared.clock import Clock, SystemClock
from shared.events.base import Fact
from shared.messaging.door import Door
from shared.messaging.message import Message
from shared.messaging.relay import Relay
from shared.messaging.service import Running
from shared.settings import Settings


def door_of(engine: AsyncEngine, clock: Clock | None = None) -> Door:
    return Door("console", HANDLERS, FileStore(), engine, clock or SystemClock(), Relay(engine, "127.0.0.1:9"))


async def admit(door: Door, facts: Sequence[Fact]) -> list[str]:
    outcomes = await door.admit([Message(fact.event_id, "test", fact) for fact in facts])
    return [outcome.state for outcome in outcomes]


@asynccontextmanager
async def pages(door: Door, clinic_id: str, folder: Path) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the console; its tokens are the names of their roles, and `stranger` for another clinic."""
    bearers = {
        name: {"clinic_id": clinic, "system": name, "role": role}
        for name, clinic, role in (
            ("clinician", clinic_id, "clinician"),
            ("clinic-system", clinic_id, "clinic-system"),
            ("front-desk", clinic_id, "front-desk"),
            ("stranger", "elsewhere", "clinician"),
        )
    }
    tokens = folder / "tokens.json"
    tokens.write_text(json.dumps({hashlib.sha256(name.encode()).hexdigest(): who for name, who in bearers.items()}))
    settings = Settings(kafka_bootstrap="none", database_url="none", stride_tokens=tokens)
    app = FastAPI()
    edge(Running(settings, door.engine, door.clock, door.relay, door), app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as client:
        yield client


def as_(token: str, accept: str = "application/json") -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "accept": accept}
