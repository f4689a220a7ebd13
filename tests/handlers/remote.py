"""A real HTTP server that answers as it is told, and keeps what it was called with."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.handlers.serving import serving


@dataclass
class Remote:
    """A provider that answers as it is told; without orders it takes everything."""

    answers: list[Response] = field(default_factory=list[Response])
    calls: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list[tuple[str, dict[str, str], bytes]])
    url: str = ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    async def call(self, request: Request) -> Response:
        self.calls.append((request.url.path, dict(request.headers), await request.body()))
        return self.answers.pop(0) if self.answers else JSONResponse({"id": "m-1", "sid": "SM1"}, 202)


@asynccontextmanager
async def served() -> AsyncGenerator[Remote]:
    remote = Remote()
    app = Starlette(routes=[Route("/{path:path}", remote.call, methods=["GET", "POST"])])
    async with serving(app) as remote.url:
        yield remote
