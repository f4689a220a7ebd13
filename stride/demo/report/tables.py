"""The tables, read as their owner: no service's API, no service's code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from stride.demo.schemas import in_every_schema

Row = Mapping[str, Any]

_PARKED = in_every_schema("SELECT '{service}' AS service, topic, event_id, reason FROM {service}.parked")
_QUERIES = {
    "sessions": "SELECT clinic_id, session_id FROM progress.session ORDER BY 1, 2",
    "voided": "SELECT clinic_id, record_id FROM progress.voided WHERE kind = 'session' ORDER BY 1, 2",
    "readings": "SELECT clinic_id, measurement_id, revision, value FROM progress.reading ORDER BY 1, 2",
    "published": "SELECT clinic_id, patient_id, kind, plan_id, name, number, standing FROM progress.published"
    " ORDER BY 1, 2, 3, 4, 5",
    "deliveries": "SELECT * FROM notifications.delivery ORDER BY position",
    "parked": f"{_PARKED} ORDER BY 1, 2, 3",
}


@dataclass(frozen=True, slots=True)
class Tables:
    """Rows by what they are about."""

    sessions: Sequence[Row]
    voided: Sequence[Row]
    readings: Sequence[Row]
    published: Sequence[Row]
    deliveries: Sequence[Row]
    parked: Sequence[Row]


async def look_at_tables(database_url: str) -> Tables:
    """All rows that the report needs, as of one moment."""
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return Tables(**{name: list(map(dict, await connection.fetch(sql))) for name, sql in _QUERIES.items()})
    finally:
        await connection.close()
