"""What the HTTP edge reads: alerts and deliveries of one clinic, page by page, newest first."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Select, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.tables import ALERT, DELIVERY

_ALERT = (
    "position", "alert_id", "patient_id", "plan_id", "kind", "severity", "title", "owner", "raised_at",
    "acknowledged_by", "acknowledged_at",
)  # fmt: skip
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


async def alerts(tx: AsyncConnection, wanted: Wanted, *, is_open: bool | None) -> list[Entry]:
    """Alerts without their evidence; open ones, acknowledged ones, or both (None)."""
    query = _chosen(ALERT, _ALERT, wanted)
    if is_open is not None:
        acknowledged = ALERT.c.acknowledged_at
        query = query.where(acknowledged.is_(None) if is_open else acknowledged.is_not(None))
    return await _entries(tx, query)


async def alert(tx: AsyncConnection, clinic_id: str, alert_id: str) -> Entry | None:
    """One alert of the clinic, with its evidence."""
    found = await _entries(tx, _chosen(ALERT, (*_ALERT, "evidence"), Wanted(clinic_id, {"alert_id": alert_id}, 0, 1)))
    return found[0] if found else None


async def deliveries(tx: AsyncConnection, wanted: Wanted) -> list[Entry]:
    """Deliveries, whatever their state."""
    return await _entries(tx, _chosen(DELIVERY, _DELIVERY, wanted))


def _chosen(table: Table, names: tuple[str, ...], wanted: Wanted) -> Select[Any]:
    columns: list[Column[Any]] = [table.c[name] for name in names]
    query = select(*columns).where(table.c.clinic_id == wanted.clinic_id)
    for name, value in wanted.equal.items():
        query = query.where(table.c[name] == value)
    if wanted.after:
        query = query.where(table.c.position < wanted.after)
    return query.order_by(table.c.position.desc()).limit(wanted.limit)


async def _entries(tx: AsyncConnection, query: Select[Any]) -> list[Entry]:
    return [dict(row) for row in (await tx.execute(query)).mappings()]
