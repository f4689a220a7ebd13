"""Scheduling's HTTP edge on a desk, with one token for each of three roles and one of another clinic."""

import hashlib
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from fastapi import FastAPI

from services.scheduling import api
from shared.messaging.service import Running
from shared.settings import Settings
from tests.handlers.scheduling_desk import Desk


def edge_of(desk: Desk, folder: Path) -> FastAPI:
    """The edge; `folder` gets its token file."""
    bearers = {
        "desk": {"clinic_id": desk.clinic_id, "system": "s", "role": "front-desk"},
        "doctor": {"clinic_id": desk.clinic_id, "system": "s", "role": "clinician"},
        "operator": {"clinic_id": desk.clinic_id, "system": "s", "role": "operator"},
        "stranger": {"clinic_id": "elsewhere", "system": "s", "role": "clinician"},
    }
    tokens = folder / "tokens.json"
    hashed = {hashlib.sha256(token.encode()).hexdigest(): bearer for token, bearer in bearers.items()}
    tokens.write_text(json.dumps(hashed))
    settings = Settings(kafka_bootstrap="localhost:1", database_url="postgresql://unused", stride_tokens=tokens)
    app = FastAPI()
    api.mount(Running(settings, desk.engine, desk.wall, desk.door.relay, desk.door), app)
    return app


@asynccontextmanager
async def open_http(desk: Desk, folder: Path) -> AsyncGenerator[httpx.AsyncClient]:
    app = edge_of(desk, folder)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://scheduling") as client:
        yield client


def as_(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
