"""Durable timers: deliveries that wait for their time, and what happens when it has come."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.domain.timers import lapsed

AT_ONCE: Final = 1_000
"""Timers that fire in one transaction."""
_DUE = text("""
    SELECT d.delivery_id, d.patient_key, d.due_at, d.valid_until, d.misfire,
        COALESCE(CAST(:now AS timestamptz), now()) AS moment
    FROM delivery d JOIN patient p ON p.patient_key = d.patient_key
    WHERE d.state IN ('scheduled', 'deferred') AND d.urgent = :urgent
        AND d.due_at <= COALESCE(CAST(:now AS timestamptz), now())
    ORDER BY d.due_at, d.position LIMIT :limit
    FOR UPDATE SKIP LOCKED
""")
"""By the database's clock, or by the one that is driven. The patients are locked too, as the door does it."""
_READY = text("UPDATE delivery SET state = 'ready' WHERE delivery_id = ANY(:ids)")
_EXPIRE = text("""
    UPDATE delivery SET state = 'expired', reason = lapse.reason
    FROM unnest(CAST(:ids AS text[]), CAST(:reasons AS text[])) AS lapse (delivery_id, reason)
    WHERE delivery.delivery_id = lapse.delivery_id
    RETURNING delivery.*
""")


async def due(tx: AsyncConnection, now: datetime | None, *, urgent: bool, limit: int = AT_ONCE) -> Sequence[Row[Any]]:
    """Take hold of timers that are due, and of their patients; those that somebody else is at are passed over."""
    return (await tx.execute(_DUE, {"now": now, "urgent": urgent, "limit": limit})).all()


async def fire(tx: AsyncConnection, timers: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Make them ready; gives the ledger's rows of those that are of no use any more."""
    late = {row.delivery_id: reason for row in timers if (reason := _lapsed(row))}
    await tx.execute(_READY, {"ids": [row.delivery_id for row in timers if row.delivery_id not in late]})
    if not late:
        return []
    return list(await tx.execute(_EXPIRE, {"ids": list(late), "reasons": list(late.values())}))


def _lapsed(row: Row[Any]) -> str:
    return lapsed(row.valid_until, row.misfire, row.due_at, row.moment)
