"""The console as its tests meet it: the real door on PostgreSQL, and its pages for holders of tokens and accounts."""

import hashlib
import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.api import edge
from services.console.gateways.accounts import password_hash
from services.console.handlers import HANDLERS
from services.console.recount import recount_some
from services.console.store import FileStore, sessions
from shared.clock import Clock, FileClock, SystemClock
from shared.database import open_engine
from shared.events.base import Fact
from shared.messaging.door import Door
from shared.messaging.message import Message
from shared.messaging.relay import Relay
from shared.messaging.service import Running
from shared.settings import Settings
from tests.domain.progress_story import at

PASSWORD = "correct horse battery"  # of accounts that live as long as a test
HTML = {"accept": "text/html"}
ROLES = ("clinician", "front-desk", "operator", "auditor")


def door_of(engine: AsyncEngine, clock: Clock | None = None) -> Door:
    return Door("console", HANDLERS, FileStore(), engine, clock or SystemClock(), Relay(engine, "127.0.0.1:9"))


async def admit(door: Door, facts: Sequence[Fact]) -> list[str]:
    outcomes = await door.admit([Message(fact.event_id, "test", fact) for fact in facts])
    while await recount_some(door):
        pass
    return [outcome.state for outcome in outcomes]


def running_of(door: Door, clinic_id: str, folder: Path, **more: Any) -> Running:
    """The console's parts, with a token and an account for each role in files of `folder`.

    Tokens are the names of their roles, and `stranger` for another clinic. Accounts are `<role>@<clinic_id>.example`.
    """
    tokens = folder / "tokens.json"
    grants = {role: (clinic_id, role) for role in (*ROLES, "clinic-system")} | {"stranger": ("elsewhere", "clinician")}
    bearers = {name: {"clinic_id": clinic, "system": name, "role": role} for name, (clinic, role) in grants.items()}
    tokens.write_text(json.dumps({hashlib.sha256(name.encode()).hexdigest(): who for name, who in bearers.items()}))
    accounts = {account_of(role, clinic_id): _account(clinic_id, role) for role in ROLES}
    (folder / "accounts.json").write_text(json.dumps(accounts))
    given = {"kafka_bootstrap": "none", "database_url": "none", "stride_tokens": tokens, **more}
    settings = Settings.model_validate(given)
    return Running(settings, door.engine, door.clock, door.relay, door)


def account_of(role: str, clinic_id: str) -> str:
    return f"{role}@{clinic_id}.example"


def _account(clinic_id: str, role: str) -> Mapping[str, Any]:
    names = {"clinician": "Ada Lindqvist", "front-desk": "Eve Marsh", "operator": "Omar Haddad", "auditor": "Ivy Chen"}
    who = {"clinic_id": clinic_id, "person_id": f"st-{role}", "name": names[role], "roles": [role]}
    return {**who, "password": _hash()}


@cache
def _hash() -> str:
    return password_hash(PASSWORD)


@asynccontextmanager
async def pages(door: Door, clinic_id: str, folder: Path, **more: Any) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the console."""
    app = FastAPI()
    edge(running_of(door, clinic_id, folder, **more), app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as client:
        yield client


async def sign_in(client: httpx.AsyncClient, door: Door, role: str, clinic_id: str) -> None:
    """By a one-use link; the client keeps the cookie."""
    async with door.work() as work:
        secret = await sessions.make_link(work.tx, account_of(role, clinic_id), 5)
    entered = await client.get(f"/enter/{secret}", headers=HTML)
    assert entered.status_code == 303, entered.text


async def csrf_of(client: httpx.AsyncClient, path: str = "/") -> str:
    """What a page of this session gives its forms to carry."""
    page = await client.get(path, headers=HTML, follow_redirects=True)
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)
    assert found, page.text
    return found[1]


def as_(token: str, accept: str = "application/json") -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "accept": accept}


@pytest_asyncio.fixture(loop_scope="session")
async def door(database_url: str, tmp_path: Path) -> AsyncGenerator[Door]:
    """The console's door on day 60 of `progress_story`."""
    engine = open_engine(database_url, "console")
    yield door_of(engine, FileClock.create(tmp_path / "clock", at(60)))
    await engine.dispose()


@pytest_asyncio.fixture(loop_scope="session")
async def client(door: Door, clinic_id: str, tmp_path: Path) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of its pages."""
    async with pages(door, clinic_id, tmp_path) as opened:
        yield opened
