"""How many messages a provider may be given: a token bucket in the database.

In the database, because the limit is a promise to the provider by all our processes together and
outlives a restart. A token is taken in the transaction that commits that a message goes out.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_OPEN = text("""
    INSERT INTO allowance (provider, tokens, filled_at) VALUES (:provider, :burst, clock_timestamp())
    ON CONFLICT DO NOTHING
""")
_TAKE = text("""
    WITH held AS (
        SELECT LEAST(:burst, tokens + :per_second * EXTRACT(epoch FROM clock_timestamp() - filled_at)) AS tokens
        FROM allowance WHERE provider = :provider FOR UPDATE)
    UPDATE allowance SET tokens = held.tokens - LEAST(FLOOR(held.tokens), :wanted), filled_at = clock_timestamp()
    FROM held WHERE provider = :provider
    RETURNING CAST(LEAST(FLOOR(held.tokens), :wanted) AS int)
""")


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `per_second` messages on average, and `burst` at once."""

    per_second: float
    burst: int


async def take(tx: AsyncConnection, provider: str, limit: Limit, wanted: int) -> int:
    """How many of `wanted` messages may go to `provider` now."""
    known = {"provider": provider, "per_second": float(limit.per_second), "burst": float(limit.burst)}
    await tx.execute(_OPEN, {"provider": provider, "burst": float(limit.burst)})
    return int(await tx.scalar(_TAKE, {**known, "wanted": float(wanted)}) or 0)
