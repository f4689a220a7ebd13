"""What waits in a service's tables: the outbox, and what is parked."""

from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_OUTBOX: Final = text("""
    SELECT aggregatetype AS topic, count(*) AS waiting,
        CAST(extract(epoch FROM clock_timestamp() - min(created_at)) AS double precision) AS oldest_seconds
    FROM outbox GROUP BY 1 ORDER BY 3 DESC
""")
_PARKED: Final = text("""
    SELECT count(DISTINCT key) AS keys, count(*) AS events,
        CAST(extract(epoch FROM clock_timestamp() - min(parked_at)) AS double precision) AS oldest_seconds
    FROM parked
""")


async def workload(tx: AsyncConnection) -> dict[str, Any]:
    """Records that wait to be published, by topic, and parked keys; how long the oldest has waited."""
    outbox = [dict(row) for row in (await tx.execute(_OUTBOX)).mappings()]
    parked = (await tx.execute(_PARKED)).mappings().one()
    return {"outbox": outbox, "parked": dict(parked)}
