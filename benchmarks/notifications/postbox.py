"""A real mail server that counts what it takes, and can be asked over HTTP, as an inbox can."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from typing import Any

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from stride.embedded.ports import LOOPBACK


@dataclass
class Postbox:
    """What arrived: how often each delivery did, and when first (wall seconds)."""

    taken: Counter[str] = field(default_factory=Counter[str])
    first: dict[str, float] = field(default_factory=dict[str, float])
    message_ids: set[str] = field(default_factory=set[str])
    port: int = 0
    http_port: int = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        headers = BytesHeaderParser().parsebytes(envelope.original_content or b"")
        delivery_id = str(headers["X-Stride-Delivery"])
        self.taken[delivery_id] += 1
        self.first.setdefault(delivery_id, time.time())
        self.message_ids.add(str(headers["Message-ID"]))
        return "250 OK"

    async def asked(self, request: Request) -> JSONResponse:
        """As the embedded inbox answers."""
        found = request.query_params.get("message_id") in self.message_ids
        return JSONResponse({"messages": [{}] if found else []})


@asynccontextmanager
async def postbox() -> AsyncGenerator[Postbox]:
    """One that is open while the block lasts."""
    box, loop = Postbox(), asyncio.get_running_loop()
    handler: Any = box
    server = await loop.create_server(lambda: SMTP(handler, loop=loop, ident="bench"), LOOPBACK, 0)
    box.port = server.sockets[0].getsockname()[1]
    application = Starlette(routes=[Route("/api/messages", box.asked)])
    web = uvicorn.Server(uvicorn.Config(application, LOOPBACK, 0, log_level="error", lifespan="off"))
    serving = asyncio.create_task(web.serve())
    while not web.started:
        await asyncio.sleep(0.01)
    box.http_port = web.servers[0].sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        web.should_exit = True
        await serving
        server.close()
