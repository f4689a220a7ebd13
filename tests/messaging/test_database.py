"""Connections to PostgreSQL: one that the server has closed is nobody's trouble."""

import asyncio

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import open_engine
from shared.messaging.transactions import begin

_PIDS = text("SELECT pg_backend_pid()")


async def _pid(engine: AsyncEngine) -> int:
    async with begin(engine) as tx:
        return int(await tx.scalar(_PIDS) or 0)


async def test_a_pooled_connection_that_the_server_has_closed_is_replaced_before_it_is_used(database_url: str) -> None:
    engine = open_engine(database_url, "intake", pool_size=2)
    owner = await asyncpg.connect(database_url)
    try:
        first, second = await asyncio.gather(_pid(engine), _pid(engine))
        for pid in {first, second}:
            assert await owner.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
        await asyncio.sleep(0.1)
        assert await _pid(engine) not in {first, second}
    finally:
        await owner.close()
        await engine.dispose()
