"""What the front desk does with a session without a time: book one, or settle it with the patient."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from fastapi import FastAPI
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from services.console.api.desk import Desk
from services.console.api.problems import CantBe, NotFound
from services.console.api.visits import Visit, request_id
from services.console.api.waiting_cases import READERS, case_of, what_cases_show
from services.console.api.waiting_wish import wish_of
from services.console.api.waiting_words import SETTLED
from services.console.api.words import N_
from services.console.store import changes
from shared.events.base import Identifier
from shared.events.console import DeskActionRequested


class Asks(Protocol):
    """What can be asked about: a session, a course, an offer."""

    @property
    def patient_id(self) -> str: ...
    @property
    def plan_id(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def stood(self) -> tuple[object, str]: ...


def add_routes(desk: Desk, app: FastAPI) -> None:
    """One for all actions."""

    @app.post("/waiting/cases/{plan_id}/{sequence}/{action}", include_in_schema=False)
    async def act(request: Request, plan_id: Identifier, sequence: int, action: str) -> Response:
        async with desk.act(request, *READERS) as visit:
            if action not in _ACTIONS:
                raise NotFound
            words, more_of = _ACTIONS[action]
            case = await case_of(visit, plan_id, sequence)
            if case.session is None:
                raise CantBe(N_("The session has a time by now, or needs none any more."))
            await ask(visit, case, action, words, {"sequence": sequence, **more_of(visit.form)})
            if not visit.by_htmx:
                return visit.back_to(f"/waiting/cases/{plan_id}/{sequence}")
            asked = case._replace(asked=words, refused=())
            return visit.page("parts/waiting_row.html", case=asked, **what_cases_show(visit))


async def ask(visit: Visit, case: Asks, action: str, words: str, more: Mapping[str, Any]) -> None:
    """Hand in what somebody asks for, once however often it is pressed, and show it to all as being done."""
    person = visit.person.person_id
    try:
        request = DeskActionRequested(
            clinic_id=visit.clinic_id,
            patient_id=case.patient_id,
            request_id=request_id(more, "desk-action", case.about, *map(str, case.stood), action, person),
            action=action,  # pyright: ignore[reportArgumentType]  # checked here
            plan_id=case.plan_id,
            requested_by=person,
            requested_at=visit.desk.running.clock.now(),
            **more,
        )
    except ValidationError:
        raise CantBe(N_("This is no time that could be booked: choose one of the list.")) from None
    visit.ask(request)
    await visit.did(f"waiting.{action}", case.patient_id, plan_id=case.plan_id)
    visit.await_change(case.about, case.stood, words)
    await changes.tell(visit.tx, visit.clinic_id, "waiting", f"patient-{case.patient_id}")


def _chosen(form: Mapping[str, str]) -> dict[str, Any]:
    start, _, place = form.get("slot", "").partition(" ")
    practitioner_id, _, room_id = place.partition(" ")
    return {"start": start, "practitioner_id": practitioner_id, "room_id": room_id}


def _settled(form: Mapping[str, str]) -> dict[str, Any]:
    if form.get("reason") not in SETTLED:
        raise CantBe(N_("Choose how it was settled."))
    return {"reason": form["reason"]}


_ACTIONS: Final[Mapping[str, tuple[str, Callable[[Mapping[str, str]], dict[str, Any]]]]] = {
    "book": (N_("Being booked"), _chosen),
    "book-by-wish": (N_("A time is being looked for"), lambda form: {"wish": wish_of(form)}),
    "give-up": (N_("Being settled"), _settled),
}
"""What is shown until it is answered, and what the form says."""
