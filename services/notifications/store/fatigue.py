"""How often each member of staff is interrupted, and what becomes of their alerts."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_FIGURES: Final = text("""
    WITH told AS (
        SELECT recipient_id AS owner, CAST(accepted_at AT TIME ZONE :zone AS date) AS day, count(*) AS many
        FROM delivery
        WHERE clinic_id = :clinic_id AND recipient = 'staff' AND channel = 'email' AND topic IN ('alert', 'alerts')
            AND accepted_at >= :since AND accepted_at < :until
        GROUP BY 1, 2),
    interrupted AS (
        SELECT owner, sum(many) AS interruptions, max(many) AS most_a_day,
            count(*) FILTER (WHERE many > 10) AS days_over
        FROM told GROUP BY 1),
    raised AS (
        SELECT owner, count(*) AS alerts, count(*) FILTER (WHERE severity = 'critical') AS critical,
            count(*) FILTER (WHERE acknowledged_at IS NOT NULL OR resolved_at IS NOT NULL) AS taken,
            percentile_cont(0.5) WITHIN GROUP (
                ORDER BY extract(epoch FROM COALESCE(acknowledged_at, resolved_at) - raised_at)) AS median_s
        FROM alert
        WHERE clinic_id = :clinic_id AND owner IS NOT NULL AND raised_at >= :since AND raised_at < :until
        GROUP BY 1)
    SELECT owner, COALESCE(interruptions, 0) AS interruptions, COALESCE(most_a_day, 0) AS most_a_day,
        COALESCE(days_over, 0) AS days_over, COALESCE(alerts, 0) AS alerts, COALESCE(critical, 0) AS critical,
        COALESCE(taken, 0) AS taken, median_s
    FROM raised FULL JOIN interrupted USING (owner) ORDER BY owner
""")


async def figures(
    tx: AsyncConnection, clinic_id: str, zone: str, since: datetime, until: datetime
) -> list[dict[str, Any]]:
    """One entry for each member of staff who had an alert or a message about one."""
    asked = {"clinic_id": clinic_id, "zone": zone, "since": since, "until": until}
    return [dict(row) for row in (await tx.execute(_FIGURES, asked)).mappings()]
