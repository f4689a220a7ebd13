"""What people do with an alert: take it, hand it on, put it off, say that it is dealt with."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, Literal

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from services.console.api.desk import Desk
from services.console.api.inbox_rows import READERS, Row, row_of, staff_of, what_rows_show
from services.console.api.problems import CantBe
from services.console.api.visits import Visit, request_id
from services.console.api.words import N_
from services.console.store import changes
from shared.events.console import AlertActionRequested

Action = Literal["acknowledge", "assign", "snooze", "resolve"]

_ASKED: Final[Mapping[Action, str]] = {
    "acknowledge": N_("Being taken"),
    "assign": N_("Being handed on"),
    "snooze": N_("Being put off"),
    "resolve": N_("Being closed"),
}
_HOURS: Final = {"1h": 1, "4h": 4}
_DAYS: Final = {"1d": 1, "3d": 3, "7d": 7}
_MORNING: Final = time(8)


def add_routes(desk: Desk, app: FastAPI) -> None:
    """One for all actions."""

    @app.post("/inbox/{alert_id}/{action}", include_in_schema=False)
    async def act(request: Request, alert_id: str, action: Action) -> Response:
        async with desk.act(request, *READERS) as visit:
            row = await row_of(visit, alert_id)
            more = _MORE[action](visit)
            if action == "snooze" and row.alert.severity == "critical":
                raise CantBe(N_("A critical alert can't be put off: take it and act."))
            visit.ask(_request(visit, row, action, more))
            details = {name: str(value) for name, value in more.items()}
            await visit.did(f"alert.{action}", row.patient_id, alert_id=alert_id, **details)
            visit.await_change(alert_id, row.alert.revision, _ASKED[action])
            await changes.tell(visit.tx, visit.clinic_id, "alerts", f"patient-{row.patient_id}")
            if not visit.by_htmx:
                return visit.back_to("/inbox")
            return visit.page("parts/alert_row.html", row=row._replace(asked=_ASKED[action]), **what_rows_show(visit))


def _request(visit: Visit, row: Row, action: Action, more: Mapping[str, Any]) -> AlertActionRequested:
    """Pressed twice, it is one request."""
    person, alert_id, revision = visit.person.person_id, row.alert.alert_id, row.alert.revision
    return AlertActionRequested(
        clinic_id=visit.clinic_id,
        patient_id=row.patient_id,
        request_id=request_id(more, "alert-action", alert_id, revision, action, person),
        alert_id=alert_id,
        revision=revision,
        action=action,
        requested_by=person,
        requested_at=visit.desk.running.clock.now(),
        **more,
    )


def _assigned(visit: Visit) -> dict[str, Any]:
    owner = visit.form.get("owner") or visit.person.person_id
    if owner not in {member.id for member in staff_of(visit)}:
        raise CantBe(N_("The clinic's file has no such member of staff."))
    return {"owner": owner}


def _snoozed(visit: Visit) -> dict[str, Any]:
    chosen, now = visit.form.get("for", "1d"), visit.desk.running.clock.now()
    if chosen in _HOURS:
        # Whole minutes: two clicks in a row ask for the same.
        return {"until": (now + timedelta(hours=_HOURS[chosen])).replace(second=0, microsecond=0)}
    if chosen not in _DAYS:
        raise CantBe(N_("Choose until when."))
    return {"until": _morning(visit, now, _DAYS[chosen])}


def _morning(visit: Visit, now: datetime, days: int) -> datetime:
    clinic = visit.desk.clinics.get(visit.clinic_id)
    zone = clinic.zone_info if clinic else UTC
    day = now.astimezone(zone).date() + timedelta(days=days)
    return datetime.combine(day, _MORNING, zone)


def _resolved(visit: Visit) -> dict[str, Any]:
    resolution = visit.form.get("resolution", "done")
    if resolution not in {"done", "not-needed", "duplicate"}:
        raise CantBe(N_("Choose how it ended."))
    return {"resolution": resolution}


_MORE: Final[Mapping[Action, Callable[[Visit], dict[str, Any]]]] = {
    "acknowledge": lambda _: {},
    "assign": _assigned,
    "snooze": _snoozed,
    "resolve": _resolved,
}
