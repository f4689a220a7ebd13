"""Calendar feeds: whose appointments a secret address shows. Of the secret only its hash is kept."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduling.store.reading import APPOINTMENTS_BY_START, PRACTITIONER_OF, ROOM_OF
from services.scheduling.tables import APPOINTMENT, FEED

_MOST = 1000


def hash_of(token: str) -> str:
    """What is kept of a feed's secret."""
    return hashlib.sha256(token.encode()).hexdigest()


async def open_feed(tx: AsyncConnection, clinic_id: str, feed_id: str, token: str, whose: tuple[str, str]) -> None:
    """Let `token` show the appointments of a kind and id."""
    values = {"token_hash": hash_of(token), "clinic_id": clinic_id, "feed_id": feed_id}
    await tx.execute(insert(FEED).values(**values, kind=whose[0], external_id=whose[1]))


async def close_feed(tx: AsyncConnection, clinic_id: str, feed_id: str) -> bool:
    """Revoke a feed's secret; False where the clinic has no such feed."""
    mine = (FEED.c.clinic_id == clinic_id) & (FEED.c.feed_id == feed_id)
    return (await tx.execute(delete(FEED).where(mine))).rowcount > 0


async def find_feed(tx: AsyncConnection, token: str) -> Row[Any] | None:
    """Whose appointments a secret shows."""
    return (await tx.execute(select(FEED).where(FEED.c.token_hash == hash_of(token)))).one_or_none()


async def appointments_of(tx: AsyncConnection, feed: Row[Any], since: datetime) -> Sequence[Row[Any]]:
    """What is booked or was held from `since` on, by start."""
    columns = {
        "patient": APPOINTMENT.c.patient_id,
        "practitioner": PRACTITIONER_OF.c.external_id,
        "room": ROOM_OF.c.external_id,
    }
    query = APPOINTMENTS_BY_START.where(
        APPOINTMENT.c.clinic_id == feed.clinic_id,
        columns[feed.kind] == feed.external_id,
        APPOINTMENT.c.status.in_(("booked", "fulfilled")),
        APPOINTMENT.c.start_at >= since,
    )
    return (await tx.execute(query.limit(_MOST))).all()
