"""The audit trail's rows: they are added to and read, never changed."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.domain.audit import FIRST, Entry, Event, entry

_LOCK = text("SELECT pg_advisory_xact_lock(7246413, hashtext(:clinic_id))")
_LAST = text("""
    SELECT number, hash, clock_timestamp() AS now FROM (SELECT 1) AS one
    LEFT JOIN LATERAL (
        SELECT number, hash FROM audit WHERE clinic_id = :clinic_id ORDER BY number DESC LIMIT 1) AS last ON true
""")
_ADD = text("""
    INSERT INTO audit (clinic_id, number, at, person_id, roles, action, patient_ids, details, outcome, before, hash)
    VALUES (:clinic_id, :number, :at, :person_id, :roles, :action, :patient_ids, CAST(:details AS jsonb), :outcome,
            :before, :hash)
""")
_COLUMNS: Final = "clinic_id, number, at, person_id, roles, action, patient_ids, details, outcome, before, hash"
_PAGE = text(f"""
    SELECT {_COLUMNS} FROM audit
    WHERE clinic_id = :clinic_id AND number < :before
        AND (:patient_id = '' OR patient_ids @> ARRAY[:patient_id])
        AND (:person_id = '' OR person_id = :person_id)
        AND (:action = '' OR action = :action)
    ORDER BY number DESC LIMIT :most
""")  # noqa: S608
_CLINICS = text("SELECT DISTINCT clinic_id FROM audit ORDER BY clinic_id")
_CHAIN = text(f"""
    SELECT {_COLUMNS} FROM audit WHERE clinic_id = :clinic_id AND number > :after ORDER BY number LIMIT 1000
""")  # noqa: S608


async def record(tx: AsyncConnection, clinic_id: str, events: Sequence[Event]) -> None:
    """Add to the clinic's chain; one process at a time does, until its transaction ends."""
    if not events:
        return
    await tx.execute(_LOCK, {"clinic_id": clinic_id})
    last = (await tx.execute(_LAST, {"clinic_id": clinic_id})).one()
    number, before = last.number or 0, last.hash or FIRST
    for event in events:
        number += 1
        added = entry(clinic_id, number, last.now, event, before)
        before = added.hash
        details = json.dumps(dict(event.details))
        await tx.execute(_ADD, {**added._asdict(), **event._asdict(), "details": details, "roles": list(event.roles)})


async def page(
    tx: AsyncConnection, clinic_id: str, wanted: Mapping[str, str], *, before: int, most: int
) -> list[Entry]:
    """The newest entries before number `before`; `wanted` may name a patient_id, person_id and action."""
    asked = {"patient_id": "", "person_id": "", "action": "", **wanted}
    rows = await tx.execute(_PAGE, {**asked, "clinic_id": clinic_id, "before": before, "most": most})
    return [_entry(row) for row in rows.all()]


async def clinics(tx: AsyncConnection) -> list[str]:
    """Those that have a chain."""
    return list((await tx.execute(_CLINICS)).scalars())


async def chain(tx: AsyncConnection, clinic_id: str) -> AsyncGenerator[list[Entry]]:
    """The clinic's entries from the first, some at a time."""
    after = 0
    while rows := (await tx.execute(_CHAIN, {"clinic_id": clinic_id, "after": after})).all():
        entries = [_entry(row) for row in rows]
        after = entries[-1].number
        yield entries


def _entry(row: Any) -> Entry:
    event = Event(row.person_id, tuple(row.roles), row.action, tuple(row.patient_ids), row.details, row.outcome)
    return Entry(row.clinic_id, row.number, row.at, event, row.before, row.hash)
