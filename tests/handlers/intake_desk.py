"""Intake's real edge on a real PostgreSQL, for tests: posts go in, what would leave is read from the outbox."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.intake.api import edge
from services.intake.handlers import HANDLERS
from services.intake.store import PatientFiles
from shared.clock import FileClock
from shared.database import open_engine
from shared.messaging.door import Door
from shared.messaging.relay import Relay
from shared.messaging.service import Running
from shared.protocols import load_protocols
from shared.settings import ROOT, Settings
from shared.tokens import Bearer, Role, Tokens

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
PROTOCOLS = load_protocols(ROOT / "protocols")


@dataclass(frozen=True, slots=True)
class Desk:
    """A clinic's way in."""

    clinic_id: str
    http: httpx.AsyncClient
    door: Door
    tokens: Tokens
    engine: AsyncEngine

    def headers(self, role: Role = "clinic-system", clinic_id: str = "") -> dict[str, str]:
        return {"authorization": f"Bearer {token_of(clinic_id or self.clinic_id, role)}"}

    async def event(self, data: dict[str, Any], name: str, event_id: str, **headers: str) -> httpx.Response:
        """Post one event in binary mode."""
        attributes = {
            "ce-specversion": "1.0",
            "ce-id": event_id,
            "ce-source": "https://clinic.example",
            "ce-type": f"clinic.{name}.v1",
            "content-type": "application/json",
        }
        return await self.http.post(
            "/events", content=orjson.dumps(data), headers=self.headers() | attributes | headers
        )

    async def fhir(self, resource: Any, path: str = "/fhir") -> httpx.Response:
        body = resource if isinstance(resource, bytes) else orjson.dumps(resource)
        return await self.http.post(
            path, content=body, headers=self.headers() | {"content-type": "application/fhir+json"}
        )

    async def published(self, name: str = "") -> list[dict[str, Any]]:
        """The clinic's facts in the outbox, in order, each with its `topic`."""
        async with self.engine.connect() as connection:
            rows = await connection.execute(text("SELECT aggregatetype, payload FROM outbox ORDER BY position"))
            facts = [{"topic": row.aggregatetype, **orjson.loads(row.payload)} for row in rows]
        return [f for f in facts if f["clinic_id"] == self.clinic_id and name in ("", f["topic"])]


def token_of(clinic_id: str, role: Role) -> str:
    return f"token-{clinic_id}-{role}"


def issued(*clinics: str) -> Tokens:
    """A token of every role for each clinic."""
    roles: tuple[Role, ...] = ("clinic-system", "clinician", "front-desk", "operator")
    return Tokens(
        {
            hashlib.sha256(token_of(clinic, role).encode()).hexdigest(): Bearer(
                clinic_id=clinic, system=f"{role}-1", role=role
            )
            for clinic in clinics
            for role in roles
        }
    )


@asynccontextmanager
async def open_desk(database_url: str, folder: Path, clinic_id: str) -> AsyncGenerator[Desk]:
    """The edge of one clinic (and of a second one, `<clinic_id>-other`)."""
    engine = open_engine(database_url, "intake")
    clock = FileClock.create(folder / "clock", NOW)
    relay = Relay(engine, "127.0.0.1:1")
    door = Door("intake", HANDLERS, PatientFiles(PROTOCOLS), engine, clock, relay)
    settings = Settings(kafka_bootstrap="127.0.0.1:1", database_url=database_url)
    app = FastAPI(docs_url=None, redoc_url=None)
    tokens = issued(clinic_id, f"{clinic_id}-other")
    edge(Running(settings, engine, clock, relay, door), app, tokens, PROTOCOLS)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake.test") as http:
        yield Desk(clinic_id, http, door, tokens, engine)
    await engine.dispose()
