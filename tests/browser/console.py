"""A console that browsers can reach: the real edge and door on PostgreSQL, served on a port, with facts in it.

Nothing consumes here: a test admits the facts that services would publish, as they come, and reads from the
outbox what people have asked for.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from playwright.async_api import Browser, BrowserContext
from sqlalchemy import text

from benchmarks.console.axe import violations
from services.console.api import edge
from services.console.store import sessions
from shared.events.base import Fact
from shared.messaging.door import Door
from shared.messaging.service import Running
from stride.embedded.ports import LOOPBACK
from tests.handlers.console_desk import account_of, admit, running_of

__all__ = ["Console", "serving", "violations"]


@dataclass(slots=True)
class Console:
    """A console that is being served."""

    url: str
    clinic_id: str
    door: Door
    running: Running

    async def admit(self, *facts: Fact) -> None:
        """Facts come."""
        assert set(await admit(self.door, facts)) <= {"applied", "repeat"}

    async def asked(self) -> list[dict[str, Any]]:
        """What people have asked for so far, oldest first, and what is on its way to intake."""
        query = text("""
            SELECT aggregatetype, payload FROM outbox
            WHERE convert_from(aggregateid, 'UTF8') LIKE :mine ORDER BY position
        """)
        async with self.door.engine.connect() as tx:
            rows = (await tx.execute(query, {"mine": f"{self.clinic_id}/%"})).all()
        assert {row.aggregatetype for row in rows} <= {"staff.inbound"}
        return [json.loads(row.payload) for row in rows]

    @asynccontextmanager
    async def as_(self, browser: Browser, role: str, **options: Any) -> AsyncGenerator[BrowserContext]:
        """A browser in which somebody with that role has signed in, by a one-use link."""
        async with self.door.work() as work:
            secret = await sessions.make_link(work.tx, account_of(role, self.clinic_id), 5)
        context = await browser.new_context(base_url=self.url, **options)
        try:
            page = await context.new_page()
            await page.goto(f"/enter/{secret}")
            await page.close()
            yield context
        finally:
            await context.close()


@asynccontextmanager
async def serving(door: Door, clinic_id: str, folder: Path, clinics: Path, **more: Any) -> AsyncGenerator[Console]:
    """A console on a port of its own, until the end of the block."""
    running = running_of(door, clinic_id, folder, stride_clinics=clinics, **more)
    app = FastAPI()
    edge(running, app)
    config = uvicorn.Config(app, host=LOOPBACK, port=0, log_level="error", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())  # pyright: ignore[reportPrivateUsage]  # ours are the signals
    while not server.started:
        await asyncio.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Console(f"http://{LOOPBACK}:{port}", clinic_id, door, running)
    finally:
        running.stopping.set()
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await serving
