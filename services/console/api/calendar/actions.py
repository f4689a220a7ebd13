"""What staff do with an appointment: move it, cancel it, note that the patient did not come.

Handed in to intake like all that people ask for; scheduling does it, or says why not.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from services.console.api.calendar.panel import panel_of, read_one
from services.console.api.calendar.shown import READERS, asked_key, names_of, zone_of
from services.console.api.calendar.words import ASKED, REASONS
from services.console.api.desk import Desk
from services.console.api.problems import CantBe
from services.console.api.visits import Visit, request_id
from services.console.api.words import N_
from services.console.domain.calendar.booked import Booked
from services.console.store import changes
from shared.events.base import Identifier
from shared.events.intake import AppointmentChangeRequested

Change = Literal["move", "cancel", "no-show"]
_WRONG_TIME: Final = N_("Choose a day, a time, a practitioner and a room.")


def add_routes(desk: Desk, app: FastAPI) -> None:
    """One for each change."""
    for change in _MORE:
        path = f"/calendar/appointments/{{appointment_id}}/{change}"
        app.post(path, include_in_schema=False)(_asking(desk, change))


def _asking(desk: Desk, change: Change) -> Callable[..., Awaitable[Response]]:
    async def ask(request: Request, appointment_id: Identifier) -> Response:
        async with desk.act(request, *READERS) as visit:
            found = await read_one(visit, appointment_id)
            _check(visit, found)
            more = _MORE[change](visit, found)
            visit.ask(_request(visit, found, change, more))
            details = {name: str(value) for name, value in more.items()}
            await visit.did(f"appointment.{change}", found.patient_id, appointment_id=appointment_id, **details)
            visit.await_change(asked_key(found), found.version, ASKED[change])
            await changes.tell(visit.tx, visit.clinic_id, "appointments", f"patient-{found.patient_id}")
            if not visit.by_htmx:
                return visit.back_to(f"/calendar?day={found.start.astimezone(zone_of(visit)).date()}")
            return visit.page("parts/calendar_panel.html", **await panel_of(visit, found, ASKED[change]))

    return ask


def _check(visit: Visit, found: Booked) -> None:
    """Only what is booked may change, and only as the person has seen it."""
    if found.state != "booked":
        raise CantBe(N_("This appointment is not booked any more."))
    if visit.form.get("version") != str(found.version):
        raise CantBe(N_("The appointment has changed since you opened it: look at it again."))


def _request(visit: Visit, found: Booked, change: Change, more: Mapping[str, Any]) -> AppointmentChangeRequested:
    """Pressed twice, it is one request."""
    return AppointmentChangeRequested(
        clinic_id=visit.clinic_id,
        patient_id=found.patient_id,
        request_id=request_id(more, "calendar", visit.clinic_id, asked_key(found), found.version, change),
        appointment_id=found.appointment_id,
        appointment_version=found.version,
        change=change,
        requested_at=visit.desk.running.clock.now(),
        **more,
    )


def _moved(visit: Visit, found: Booked) -> dict[str, Any]:
    slot = visit.form.get("slot") or _entered(visit)
    start, practitioner_id, room_id = _parsed(visit, slot)
    if (start, practitioner_id, room_id) == (found.start, found.practitioner_id, found.room_id):
        raise CantBe(N_("It is there already."))
    if start < visit.desk.running.clock.now():
        raise CantBe(N_("That time is over."))
    return {"start": start, "practitioner_id": practitioner_id, "room_id": room_id}


def _entered(visit: Visit) -> str:
    """The time as somebody typed it, by the clinic's clocks."""
    names = ("on", "at", "practitioner", "room")
    on, at, practitioner, room = (visit.form.get(name, "") for name in names)
    return f"{on}T{at}|{practitioner}|{room}"


def _parsed(visit: Visit, slot: str) -> tuple[datetime, str, str]:
    when, _, rest = slot.partition("|")
    practitioner_id, _, room_id = rest.partition("|")
    known = names_of(visit)
    try:
        start = datetime.fromisoformat(when)
    except ValueError:
        raise CantBe(_WRONG_TIME) from None
    if practitioner_id not in known["practitioner"] or room_id not in known["room"]:
        raise CantBe(_WRONG_TIME)
    local = start if start.tzinfo else start.replace(tzinfo=zone_of(visit))
    return local.astimezone(UTC), practitioner_id, room_id


def _cancelled(visit: Visit, _: Booked) -> dict[str, Any]:
    reason = visit.form.get("reason", "")
    if reason not in REASONS:
        raise CantBe(N_("Choose why it is cancelled."))
    return {"reason": reason, "rebook": visit.form.get("rebook") == "true"}


def _missed(visit: Visit, found: Booked) -> dict[str, Any]:
    if found.start > visit.desk.running.clock.now():
        raise CantBe(N_("It has not begun yet."))
    return {}


_MORE: Final[Mapping[Change, Callable[[Visit, Booked], dict[str, Any]]]] = {
    "move": _moved,
    "cancel": _cancelled,
    "no-show": _missed,
}
