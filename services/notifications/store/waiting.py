"""Alerts that wait for somebody, across all patients of a clinic."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.domain.state import Alert
from services.notifications.store.rows import ALERTS

_WAITS: Final = "resolved_at IS NULL AND acknowledged_at IS NULL AND snoozed_until IS NULL"
_OWNERS = text(f"""
    SELECT DISTINCT owner FROM alert WHERE clinic_id = :clinic_id AND owner IS NOT NULL AND {_WAITS} ORDER BY owner
""")  # noqa: S608  # names from here
_WAITING = text(f"""
    SELECT patient_id, {", ".join(ALERTS.read_from)} FROM alert
    WHERE clinic_id = :clinic_id AND owner = :owner AND {_WAITS}
    ORDER BY array_position(ARRAY['critical', 'warning', 'info'], severity), raised_at DESC, alert_id LIMIT :most
""")  # noqa: S608  # names from rows.py
_MOST: Final = 500


async def owners(tx: AsyncConnection, clinic_id: str) -> list[str]:
    """For whom anything waits."""
    return list(await tx.scalars(_OWNERS, {"clinic_id": clinic_id}))


async def waiting_for(tx: AsyncConnection, clinic_id: str, owner: str) -> list[tuple[str, Alert]]:
    """What waits for `owner`, the most serious and newest first, each with its patient's id; 500 at most."""
    found = await tx.execute(_WAITING, {"clinic_id": clinic_id, "owner": owner, "most": _MOST})
    return [(patient_id, ALERTS.read(values)) for patient_id, *values in found]
