"""Receipts: all are kept, and the one that stands highest says what became of a message.

A receipt that comes before the send is settled waits in its table: `apply` is called again then.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.domain.receipts import Receipt
from services.notifications.domain.state import DeliveryState

_WHOSE = text("SELECT delivery_id, patient_key FROM delivery WHERE delivery_id = ANY(:ids)")
_KEEP = text("""
    INSERT INTO receipt (delivery_id, state, sequence, reference, received_at)
    VALUES (:delivery_id, :state, :sequence, :reference, :now) ON CONFLICT DO NOTHING
""")
_REPORTED = text("SELECT delivery_id, state, sequence FROM receipt WHERE delivery_id = ANY(:ids)")
_APPLY = text("""
    UPDATE delivery d SET state = told.state, accepted_at = COALESCE(d.accepted_at, :now)
    FROM unnest(CAST(:ids AS text[]), CAST(:states AS text[])) AS told (delivery_id, state),
        (SELECT delivery_id, state FROM delivery WHERE delivery_id = ANY(:ids) FOR UPDATE) AS before
    WHERE d.delivery_id = told.delivery_id AND before.delivery_id = d.delivery_id AND d.state <> told.state
        AND (d.state IN ('unknown', 'delivered', 'undelivered', 'bounced')
            OR (d.state = 'accepted' AND told.state <> 'accepted'))
        AND NOT (told.state = 'accepted' AND d.state <> 'unknown')
    RETURNING d.*, before.state AS state_before
""")
NEWS: Final = frozenset({DeliveryState.UNDELIVERED, DeliveryState.BOUNCED})


async def patients_of(tx: AsyncConnection, receipts: Collection[Receipt]) -> dict[str, str]:
    """The patient's key of each delivery that there is."""
    found = await tx.execute(_WHOSE, {"ids": [receipt.delivery_id for receipt in receipts]})
    return {row.delivery_id: row.patient_key for row in found}


async def keep(tx: AsyncConnection, receipts: Sequence[Receipt], now: datetime) -> None:
    """Store receipts; one that is there already changes nothing."""
    if receipts:
        await tx.execute(
            _KEEP,
            [
                {"delivery_id": r.delivery_id, "state": r.state, "sequence": r.sequence, "reference": r.reference,
                 "now": now}
                for r in receipts
            ],
        )  # fmt: skip


async def apply(tx: AsyncConnection, delivery_ids: Collection[str], now: datetime) -> list[Row[Any]]:
    """Put settled deliveries where their receipts say; gives those that changed, with `state_before`."""
    best: dict[str, Receipt] = {}
    for row in await tx.execute(_REPORTED, {"ids": sorted(delivery_ids)}):
        receipt = Receipt(row.delivery_id, DeliveryState(row.state), row.sequence)
        known = best.get(row.delivery_id)
        if known is None or known.standing < receipt.standing:
            best[row.delivery_id] = receipt
    if not best:
        return []
    given = {"ids": list(best), "states": [str(receipt.state) for receipt in best.values()], "now": now}
    return list(await tx.execute(_APPLY, given))
