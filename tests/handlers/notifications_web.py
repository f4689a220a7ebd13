"""The HTTP edge of notifications at a desk; a token is `<clinic>/<role>`, or `<clinic>/<role>/<person>`."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import Mock

import httpx
import pytest
from fastapi import FastAPI

from services.notifications import api
from services.notifications.api import alerts
from shared.links import Signer
from shared.messaging.service import Running
from shared.settings import Settings
from shared.tokens import Bearer, Tokens
from tests.handlers.notifications_desk import Desk

SIGNER = Signer([b"new", b"old"])
ROLES = ("clinician", "front-desk", "operator", "clinic-system")


def as_(clinic: str, role: str = "clinician") -> dict[str, str]:
    return {"Authorization": f"Bearer {clinic}/{role}"}


@asynccontextmanager
async def open_web(desk: Desk, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> AsyncGenerator[httpx.AsyncClient]:
    bearers = {
        f"{clinic}/{role}{person}": Bearer.model_validate(
            {"clinic_id": clinic, "system": f"{role}{person.replace('/', '-')}", "role": role}
        )
        for clinic in desk.clinics
        for role in ROLES
        for person in ("", "/ben")
    }
    tokens = Tokens({hashlib.sha256(token.encode()).hexdigest(): bearer for token, bearer in bearers.items()})
    monkeypatch.setattr(Tokens, "load", Mock(return_value=tokens))
    monkeypatch.setattr(Signer, "of", Mock(return_value=SIGNER))
    for module in (alerts, api):
        monkeypatch.setattr(module, "load_clinics", Mock(return_value=desk.clinics))
    app = FastAPI()
    known = Settings(kafka_bootstrap="localhost:1", database_url="postgresql://localhost:1/none", **settings)
    api.edge(Running(known, desk.engine, desk.clock, desk.door.relay, desk.door), app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://stride") as client:
        yield client
