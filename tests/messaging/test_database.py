"""Connections to PostgreSQL: one that the server has closed is nobody's trouble."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.database import copy_rows, driver_url, fetch, open_engine
from shared.messaging.errors import Swapped, Unavailable
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


async def _sleep(tx: AsyncConnection) -> None:
    await fetch(tx, text("SELECT pg_sleep(5)"), {})


async def _slow_copy(tx: AsyncConnection) -> None:
    await copy_rows(tx, "slow", ["id"], [(1,)])


@pytest.mark.parametrize("ask", [_sleep, _slow_copy])
async def test_a_connection_that_gives_no_answer_in_time_is_closed_and_not_asked_for_a_rollback(
    database_url: str, ask: Callable[[AsyncConnection], Awaitable[object]]
) -> None:
    engine = create_async_engine(driver_url(database_url), connect_args={"command_timeout": 0.5})
    used = list[Any]()

    async def work() -> None:
        async with begin(engine) as tx:
            await tx.execute(text("CREATE TEMPORARY TABLE slow (id int CHECK (pg_sleep(5) IS NOT NULL))"))
            used.append((await tx.get_raw_connection()).driver_connection)
            await ask(tx)

    with pytest.raises(Unavailable):
        await work()
    assert used[0].is_closed()
    await engine.dispose()


async def test_tables_that_were_swapped_under_a_pool_are_met_once_and_every_connection_is_new_after(
    database_url: str,
) -> None:
    engine = open_engine(database_url, "intake", pool_size=2)
    owner = await asyncpg.connect(database_url)
    made = "CREATE TABLE public.swapped AS SELECT 1 AS id; GRANT SELECT ON public.swapped TO PUBLIC"
    known = text("SELECT swapped FROM public.swapped")

    async def look(meanwhile: asyncio.Barrier | None = None) -> None:
        async with begin(engine) as tx:
            await tx.execute(text("SELECT 1"))
            await fetch(tx, known, {})
            if meanwhile:
                await meanwhile.wait()

    async def look_twice_at_once() -> None:
        both = asyncio.Barrier(2)
        async with asyncio.TaskGroup() as looks:
            for _ in range(2):
                looks.create_task(look(both))

    try:
        await owner.execute(made)
        await look_twice_at_once()
        await owner.execute("ALTER TABLE public.swapped RENAME TO swapped_old;" + made)
        with pytest.raises(Swapped):
            await look()
        await look_twice_at_once()
    finally:
        await owner.execute("DROP TABLE IF EXISTS public.swapped, public.swapped_old")
        await owner.close()
        await engine.dispose()
