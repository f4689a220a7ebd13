"""Alerts as the HTTP edge reads them."""

from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, case, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.store.lists import Entry, Wanted, chosen, entries
from services.notifications.tables import ALERT

AlertState = Literal["open", "acknowledged", "snoozed", "resolved", "unresolved"]
_NAMES: Final = (
    "position", "alert_id", "patient_id", "plan_id", "kind", "severity", "title", "owner", "role", "step", "raised_at",
    "acknowledged_by", "acknowledged_at", "snoozed_until", "resolved_by", "resolved_at", "resolution", "revision",
)  # fmt: skip
_STATE: Final[ColumnElement[str]] = case(
    (ALERT.c.resolved_at.is_not(None), "resolved"),
    (ALERT.c.snoozed_until.is_not(None), "snoozed"),
    (ALERT.c.acknowledged_at.is_not(None), "acknowledged"),
    else_="open",
)


async def alerts(tx: AsyncConnection, wanted: Wanted, *, state: AlertState | None, words: str | None) -> list[Entry]:
    """Alerts without their evidence, in a state (`unresolved`: any but resolved) and with `words`, where given."""
    query = chosen(ALERT, _NAMES, wanted).add_columns(_STATE.label("state"))
    if state:
        query = query.where(_is(state))
    for word in (words or "").split():
        query = query.where(_says(word))
    return await entries(tx, query)


def _is(state: AlertState) -> ColumnElement[bool]:
    if state == "unresolved":
        return ALERT.c.resolved_at.is_(None)
    return _STATE.in_([state])


def _says(word: str) -> ColumnElement[bool]:
    columns = (ALERT.c.title, ALERT.c.kind, ALERT.c.patient_id, ALERT.c.plan_id, ALERT.c.alert_id)
    return or_(*(column.icontains(word, autoescape=True) for column in columns))


async def alert(tx: AsyncConnection, clinic_id: str, alert_id: str) -> dict[str, Any] | None:
    """One alert of the clinic, with its evidence."""
    wanted = Wanted(clinic_id, {"alert_id": alert_id}, 0, 1)
    found = await entries(tx, chosen(ALERT, (*_NAMES, "evidence"), wanted).add_columns(_STATE.label("state")))
    return found[0] if found else None
