"""An ASGI application on a port of its own, spoken to over real HTTP."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from stride.embedded.ports import LOOPBACK


@asynccontextmanager
async def serving(app: Any) -> AsyncGenerator[str]:
    """Its address, while the block lasts."""
    server = uvicorn.Server(uvicorn.Config(app, LOOPBACK, 0, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://{LOOPBACK}:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
