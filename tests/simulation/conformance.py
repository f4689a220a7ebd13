"""Where the checks of the conformance suites run: on the real PostgreSQL and on the model of it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.simulation.loop import VirtualLoop
from tests.simulation.network import Network
from tests.simulation.postgres.engine import Engine
from tests.simulation.postgres.ledger import CREATE
from tests.simulation.postgres.server import Server

Begin = Callable[[], AbstractAsyncContextManager[Any]]
Check = Callable[[Any], Awaitable[None]]


def on_the_model(check: Check) -> None:
    """Run `check(engine)` on the model."""
    loop = VirtualLoop(1)
    engine = Engine(Network(loop), Server(loop))

    async def run() -> None:
        await check(engine)

    loop.run(run())


async def on_postgres(check: Check, engine: AsyncEngine) -> None:
    """Run `check(engine)` on the real server, with empty tables before and after."""
    async with engine.begin() as tx:
        await tx.execute(CREATE)
    await _empty(engine)
    try:
        await check(engine)
    finally:
        await _empty(engine)
        async with engine.begin() as tx:
            await tx.execute(text("DROP TABLE ledger"))


async def _empty(engine: AsyncEngine) -> None:
    async with engine.begin() as tx:
        await tx.execute(text("TRUNCATE ledger, outbox, parked, applied_offset, inbox"))


async def still_waits(task: "asyncio.Task[Any]") -> bool:
    """Whether `task` has not ended after a while that is long enough for anything that need not wait."""
    await asyncio.wait([task], timeout=0.3)
    return not task.done()
