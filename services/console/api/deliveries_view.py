"""For operators: the delivery ledger, as notifications tells it: ids and states, no address and no text."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import FastAPI, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from services.console.api.desk import Desk
from services.console.api.operations_view import NO_ANSWER, PLACE, operator
from services.console.api.problems import CantBe
from services.console.gateways.services import Away, Nothing

_LEDGER: Final = "notifications"
_STATES: Final = (
    "planned", "scheduled", "deferred", "ready", "claimed", "sending", "accepted", "delivered", "undelivered",
    "bounced", "failed", "unknown", "superseded", "expired", "grouped", "suppressed",
)  # fmt: skip


class _Wanted(BaseModel):
    state: Annotated[str, Field(max_length=20)] = ""
    patient_id: Annotated[str, Field(max_length=128)] = ""
    after: Annotated[int, Field(ge=0, le=2**62)] = 0


def add_routes(desk: Desk, app: FastAPI) -> None:
    """The list."""

    @app.get("/operations/deliveries", include_in_schema=False)
    async def listed(request: Request, wanted: Annotated[_Wanted, Query()]) -> Response:
        async with desk.visit(request, *PLACE.roles) as visit:
            person = operator(visit)
        query = {name: str(value) for name, value in wanted.model_dump().items() if value}
        try:
            found = await desk.services.ask(person, _LEDGER, "/deliveries", query)
        except (Away, Nothing):
            raise CantBe(NO_ANSWER) from None
        deliveries = [_shown(one) for one in found["deliveries"]]
        # Shown once it is on record whom it is about.
        async with desk.visit(request, *PLACE.roles) as visit:
            await visit.saw("deliveries.viewed", {one["patient_id"] for one in deliveries})
        return visit.page(
            "deliveries.html", deliveries=deliveries, wanted=wanted, states=_STATES, more=found["next"],
        )  # fmt: skip


def _shown(one: dict[str, Any]) -> dict[str, Any]:
    return one | {"due_at": datetime.fromisoformat(one["due_at"])}
