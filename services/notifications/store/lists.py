"""What the HTTP edge reads of one clinic, page by page, newest first."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Select, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.tables import DELIVERY

_DELIVERY = (
    "position", "delivery_id", "patient_id", "recipient", "channel", "topic", "subject_id", "subject_version", "slot",
    "plan_id", "state", "reason", "due_at", "valid_until", "attempt", "accepted_at",
)  # fmt: skip
"""No address and no text: the ledger holds neither."""

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: those of a clinic whose columns equal `equal`, older than position `after` (0: the newest)."""

    clinic_id: str
    equal: dict[str, str]
    after: int
    limit: int


async def deliveries(tx: AsyncConnection, wanted: Wanted) -> list[Entry]:
    """Deliveries, whatever their state."""
    return await entries(tx, chosen(DELIVERY, _DELIVERY, wanted))


def chosen(table: Table, names: tuple[str, ...], wanted: Wanted) -> Select[Any]:
    """The columns `names` of the wanted rows."""
    columns: list[Column[Any]] = [table.c[name] for name in names]
    query = select(*columns).where(table.c.clinic_id == wanted.clinic_id)
    for name, value in wanted.equal.items():
        query = query.where(table.c[name] == value)
    if wanted.after:
        query = query.where(table.c.position < wanted.after)
    return query.order_by(table.c.position.desc()).limit(wanted.limit)


async def entries(tx: AsyncConnection, query: Select[Any]) -> list[Entry]:
    """The rows of `query`."""
    return [dict(row) for row in (await tx.execute(query)).mappings()]
