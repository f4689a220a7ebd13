"""The waitlist as people read it: always within one clinic."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, case, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduling.store.reading import HOLDS
from services.scheduling.tables import FREED_TIME, HOLD

_MOST = 500
_ENTRIES = text("""
    SELECT entry.*, (
        SELECT min(start_at) FROM appointment AS a
        WHERE (a.clinic_id, a.patient_id, a.plan_id) = (entry.clinic_id, entry.patient_id, entry.plan_id)
            AND a.status = 'booked') AS next_at
    FROM waitlist_entry AS entry JOIN course USING (clinic_id, patient_id, plan_id)
    WHERE clinic_id = :clinic AND course.state = 'active'
    ORDER BY recorded_at, patient_id, plan_id LIMIT :most
""")


async def entries_of(tx: AsyncConnection, clinic_id: str) -> Sequence[Row[Any]]:
    """What was said of offers for the clinic's courses that go on, oldest first."""
    return (await tx.execute(_ENTRIES, {"clinic": clinic_id, "most": _MOST})).all()


async def free_times_of(tx: AsyncConnection, clinic_id: str, now: datetime) -> Sequence[Row[Any]]:
    """Freed time that is still offered, by start."""
    mine = (FREED_TIME.c.clinic_id == clinic_id) & (FREED_TIME.c.start_at > now)
    query = select(FREED_TIME).where(mine).order_by(FREED_TIME.c.start_at, FREED_TIME.c.practitioner_id)
    return (await tx.execute(query.limit(_MOST))).all()


async def offers_of(tx: AsyncConnection, clinic_id: str, since: datetime) -> Sequence[Row[Any]]:
    """The offers of times from `since` on, the newest first; `answer` says how each stands."""
    mine = (HOLD.c.clinic_id == clinic_id) & HOLD.c.offered_at.is_not(None) & (HOLD.c.start_at >= since)
    query = _offers(since).where(mine).order_by(HOLD.c.offered_at.desc(), HOLD.c.hold_id)
    return (await tx.execute(query.limit(_MOST))).all()


async def find_offer(tx: AsyncConnection, clinic_id: str, offer_id: str) -> Row[Any] | None:
    """One offer of the clinic."""
    mine = (HOLD.c.clinic_id == clinic_id) & (HOLD.c.hold_id == offer_id) & HOLD.c.offered_at.is_not(None)
    return (await tx.execute(HOLDS.where(mine))).one_or_none()


def _offers(now: datetime) -> Any:
    open_ = (HOLD.c.state == "open") & (HOLD.c.expires_at > now)
    answer = case(
        (open_, "open"), (HOLD.c.state == "confirmed", "accepted"), (HOLD.c.state == "released", "declined"),
        else_="expired",
    )  # fmt: skip
    return HOLDS.add_columns(answer.label("answer"))
