"""Reminders are timers: those of appointments long past are removed.

Other messages stay. They are the record of what was said to whom, and what keeps it from being said again.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.messaging import retention

KEEP: Final = timedelta(days=90)
"""How long after its appointment a reminder is kept, to answer whether somebody was reminded.

It can't come back: a reminder of an appointment that has begun is never sent, whichever fact arrives.
"""
REMOVE_REMINDERS = text("""
    DELETE FROM delivery WHERE delivery_id = ANY (ARRAY(
        SELECT delivery_id FROM delivery
        WHERE topic = 'reminder' AND state NOT IN ('scheduled', 'deferred', 'ready', 'claimed', 'sending')
            AND valid_until < :before
        ORDER BY valid_until LIMIT :step))
""")


async def remove_reminders(engine: AsyncEngine, now: datetime, *, step: int = 5_000) -> int:
    """Remove reminders that are over since `KEEP`, `step` at a time; returns how many.

    Raises:
        Unavailable: PostgreSQL can't be used now; a later call goes on.
    """
    return await retention.remove(engine, REMOVE_REMINDERS, {"before": now - KEEP}, step=step)
