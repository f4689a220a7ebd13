"""Old inbox rows are removed in small steps, so that the table stays small and nobody waits."""

import asyncio
from datetime import timedelta

from sqlalchemy import text
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
        SELECT ctid FROM inbox WHERE received_at < now() - CAST(:keep AS interval) LIMIT :step))
""")


async def forget_old(engine: AsyncEngine, keep: timedelta = KEEP, *, step: int = _STEP) -> int:
    """Remove rows older than `keep`, `step` at a time, each step in its own transaction; returns how many."""
    removed = 0
    while True:
        async with begin(engine) as tx:
            count = (await tx.execute(_REMOVE, {"keep": keep, "step": step})).rowcount
        removed += count
        if count < step:
            return removed


async def run(engine: AsyncEngine) -> None:
    """Keep the inbox small until cancelled."""
    while True:
        try:
            await forget_old(engine)
        except Unavailable as error:
            log().warning("retention-waits", reason=str(error))
        await asyncio.sleep(_PAUSE_SECONDS)
