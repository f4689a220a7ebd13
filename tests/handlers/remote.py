"""A real HTTP server that answers as it is told, and keeps what it was called with."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stride.embedded.ports import LOOPBACK


@dataclass
class Remote:
    """A provider that answers as it is told; without orders it takes everything."""

    answers: list[Response] = field(default_factory=list[Response])
    calls: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list[tuple[str, dict[str, str], bytes]])
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    async def call(self, request: Request) -> Response:
        self.calls.append((request.url.path, dict(request.headers), await request.body()))
        return self.answers.pop(0) if self.answers else JSONResponse({"id": "m-1", "sid": "SM1"}, 202)


@asynccontextmanager
async def served() -> AsyncGenerator[Remote]:
    remote = Remote()
    app = Starlette(routes=[Route("/{path:path}", remote.call, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, LOOPBACK, 0, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    remote.port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield remote
    finally:
        server.should_exit = True
        await serving
