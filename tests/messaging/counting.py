"""A service small enough to see through: it counts a patient's ended plans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.events.base import Fact
from shared.events.intake import PlanEnded
from shared.events.progress import AdverseEventReported
from shared.messaging.errors import Refused
from shared.messaging.message import Decision

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_NOTHING_WAITS = text("TRUNCATE outbox, parked, applied_offset, inbox")


@dataclass(frozen=True)
class Count:
    """How many facts a patient has had."""

    key: str
    facts: int = 0


class CountStore:
    """Keeps counts in a table of its own beside the runtime's."""

    def key(self, fact: Fact) -> str:
        return fact.key

    async def load(self, tx: AsyncConnection, facts: Sequence[Fact]) -> Mapping[str, Count]:
        keys = sorted({fact.key for fact in facts})
        rows = await tx.execute(text("SELECT key, facts FROM tally WHERE key = ANY(:keys)"), {"keys": keys})
        known = {row.key: Count(row.key, row.facts) for row in rows}
        return {key: known.get(key, Count(key)) for key in keys}

    async def save(self, tx: AsyncConnection, changes: Sequence[tuple[Any, Any]]) -> None:
        for _, after in changes:
            await tx.execute(
                text("INSERT INTO tally VALUES (:key, :facts) ON CONFLICT (key) DO UPDATE SET facts = excluded.facts"),
                {"key": after.key, "facts": after.facts},
            )


def count(state: Count, fact: PlanEnded, now: datetime) -> Decision[Count]:
    if fact.reason == "deceased":
        raise Refused("not this one")
    if fact.reason == "transferred":
        raise ZeroDivisionError
    reported = AdverseEventReported(
        clinic_id=fact.clinic_id,
        patient_id=fact.patient_id,
        adverse_event_id=fact.plan_id,
        grade=1,
        term="bruise",
        occurred_at=now,
    )
    return Decision(Count(state.key, state.facts + 1), (reported,))


async def create_tally(engine: AsyncEngine) -> None:
    async with engine.begin() as tx:
        await tx.execute(_NOTHING_WAITS)  # nor does what other tests left
        await tx.execute(text("CREATE TABLE IF NOT EXISTS tally (key text PRIMARY KEY, facts int CHECK (facts < 100))"))


async def empty_everything(engine: AsyncEngine) -> None:
    async with engine.begin() as tx:
        await tx.execute(text("DROP TABLE tally"))
        await tx.execute(_NOTHING_WAITS)


async def tally(engine: AsyncEngine) -> dict[str, int]:
    async with engine.connect() as connection:
        return {row.key: row.facts for row in await connection.execute(text("SELECT key, facts FROM tally"))}
