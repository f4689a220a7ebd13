"""The notifications service on a desk, wired by its settings as `main.py` does it: channels, HTTP edge, sender."""

import asyncio
import hashlib
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
import yaml
from fastapi import FastAPI

from services.notifications import api
from services.notifications.domain.wishes import ChoicesGiven
from services.notifications.gateways.settings import Channels, load_channels
from services.notifications.sender import Courier, Pace, Sender
from services.notifications.sender.opening import open_routes
from services.notifications.store import subscriptions
from shared.ids import random_id
from shared.messaging.service import Running
from shared.settings import Settings
from stride.embedded.ports import LOOPBACK
from tests.domain.notifications_examples import Example
from tests.handlers.notifications_desk import LEASE, Desk, Post


@dataclass(frozen=True, slots=True)
class House:
    """A desk with its settings and an HTTP client of its edge. A token is `<clinic>/<role>`."""

    desk: Desk
    post: Post
    settings: Settings
    channels: Channels
    web: httpx.AsyncClient

    def sender(self, lease: float = LEASE) -> tuple[Courier, Sender]:
        """A sender over the channels that the settings name."""
        routes = open_routes(self.channels, self.settings, Pace(lease_seconds=lease))
        return self.desk.sender(self.post, lease=lease, routes=list(routes.values()))

    async def send_all(self, lease: float = LEASE) -> None:
        """Send until nothing is due."""
        async with self.desk.sending(*self.sender(lease)):
            await self.desk.quiet()

    async def heed(self) -> None:
        """Take notice of subscriptions, as the service does each second."""
        async with self.desk.door.work() as work:
            self.desk.store.heed(await subscriptions.wanted(work.tx))


@asynccontextmanager
async def open_house(desk: Desk, post: Post, folder: Path, **channels: Any) -> AsyncGenerator[House]:
    """`channels` as in the file that `STRIDE_CHANNELS` names."""
    with socket.socket() as listening:
        listening.bind((LOOPBACK, 0))
        url = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
        settings = _settings(desk, folder, url, channels)
        app = FastAPI()
        api.edge(Running(settings, desk.engine, desk.clock, desk.door.relay, desk.door), app)
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            async with httpx.AsyncClient(base_url=url, trust_env=False) as web:
                yield House(desk, post, settings, load_channels(settings), web)
        finally:
            server.should_exit = True
            await serving


def _settings(desk: Desk, folder: Path, url: str, channels: dict[str, Any]) -> Settings:
    bearers = {
        f"{clinic}/{role}": {"clinic_id": clinic, "system": role, "role": role}
        for clinic in desk.clinics
        for role in ("operator", "clinician", "clinic-system")
    }
    hashed = {hashlib.sha256(token.encode()).hexdigest(): bearer for token, bearer in bearers.items()}
    (folder / "tokens.json").write_text(json.dumps(hashed))
    (folder / "channels.yaml").write_text(yaml.safe_dump(channels))
    return Settings(
        kafka_bootstrap="localhost:1", database_url="postgresql://localhost:1/none", stride_public_url=url,
        stride_tokens=folder / "tokens.json", stride_channels=str(folder / "channels.yaml"), stride_link_keys="key",
    )  # fmt: skip


async def may_be_texted(desk: Desk, ann: Example, *, first: bool = True) -> None:
    """`ann`, who has a phone, agrees to text messages; `first`: prefers them to mail."""
    choice = ChoicesGiven(
        **ann.who, request_id=random_id(), way="staff", given_by="test",
        choices={"sms": "on", "verified.sms": "yes", "channel": "sms" if first else "email"},
    )  # fmt: skip
    await desk.admit(choice)


def as_(clinic: str, role: str = "operator") -> dict[str, str]:
    return {"Authorization": f"Bearer {clinic}/{role}"}
