"""The ledger of a rebuild: nobody sends, so a delivery goes straight to where the log says it went."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.domain.state import Delivery, Patient
from services.notifications.store import rows
from services.notifications.store.patients import PatientStore

_FROM_LOG = text("SELECT set_config('stride.from_log', 'on', true)")
"""Until the commit, a delivery may go straight to where the log says it went (migration 0004)."""
_SETTLE = text("""
    UPDATE delivery SET state = settled.state, reason = settled.reason, told = settled.told
    FROM json_populate_recordset(NULL::delivery, CAST(CAST(:rows AS text) AS json)) AS settled
    WHERE delivery.delivery_id = settled.delivery_id
""")


class LedgerFromLog(PatientStore):
    """Saves what the running service leaves to its sender: how a delivery ended, and what it told."""

    async def save(self, tx: AsyncConnection, changes: Sequence[tuple[Patient, Patient]]) -> None:
        """Write what differs, also of deliveries that are settled."""
        await tx.execute(_FROM_LOG)
        await super().save(tx, changes)
        settled = [
            _row(delivery)
            for before, after in changes
            for name, delivery in after.deliveries.items()
            if _ended(before.deliveries.get(name)) != _ended(delivery)
        ]
        if settled:
            await tx.execute(_SETTLE, {"rows": orjson.dumps(settled).decode()})


def _ended(delivery: Delivery | None) -> tuple[object, ...]:
    return (delivery.state, delivery.reason, delivery.told) if delivery else ()


def _row(delivery: Delivery) -> dict[str, Any]:
    return {
        "delivery_id": delivery.delivery_id,
        "state": delivery.state,
        "reason": delivery.reason,
        "told": rows.told_columns(delivery.told),
    }
