"""What is finished is removed in small steps, so that tables stay small and nobody waits.

Each step is a transaction of its own and takes a bounded number of rows in the order of an index:
a step costs the same however many rows stay.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.messaging.errors import Unavailable
from shared.messaging.transactions import begin
from shared.telemetry import log

KEEP = timedelta(days=30)
"""How long a repeat that is published again (by a relay or a clinic system) is recognised.

Redeliveries need no inbox row: the applied offsets know them for ever.
"""
_STEP = 5_000
_PAUSE_SECONDS = 300.0
_REMOVE = text("""
    DELETE FROM inbox WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM inbox WHERE received_at < now() - CAST(:keep AS interval)
        ORDER BY received_at LIMIT :step))
""")


async def forget_old(engine: AsyncEngine, keep: timedelta = KEEP, *, step: int = _STEP) -> int:
    """Remove inbox rows older than `keep`, oldest first; returns how many."""
    return await remove(engine, _REMOVE, {"keep": keep}, step=step)


async def remove(
    engine: AsyncEngine, statement: TextClause, parameters: Mapping[str, Any], *, step: int = _STEP
) -> int:
    """Repeat `statement`, which removes at most `:step` rows, until nothing is left; returns how many went.

    An index must give it its rows in order, or a step costs as much as the table is large.
    """
    removed = 0
    while True:
        async with begin(engine) as tx:
            count = (await tx.execute(statement, {**parameters, "step": step})).rowcount
        removed += count
        if count < step:
            return removed


async def run(engine: AsyncEngine) -> None:
    """Keep the inbox small until cancelled."""
    await again_and_again(lambda: forget_old(engine))


async def again_and_again(task: Callable[[], Awaitable[int]], pause_seconds: float = _PAUSE_SECONDS) -> None:
    """Do `task` every `pause_seconds` until cancelled; where PostgreSQL is away, the next time does it."""
    while True:
        try:
            await task()
        except Unavailable as error:
            log().warning("retention-waits", reason=str(error))
        await asyncio.sleep(pause_seconds)
