"""The delivery list."""

from typing import Annotated, Any

from fastapi import FastAPI, Query

from services.notifications.api.bearers import Authorization, bearer_of
from services.notifications.api.paging import Page, next_page, shown
from services.notifications.domain.state import DeliveryState
from services.notifications.store import lists
from shared.events.base import Identifier
from shared.messaging.service import Running
from shared.tokens import Tokens


def routes(running: Running, app: FastAPI, tokens: Tokens) -> None:
    """Add them."""
    app.add_api_route("/deliveries", Desk(running, tokens).deliveries)


class _DeliveryQuery(Page):
    patient_id: Identifier | None = None
    state: DeliveryState | None = None


class Desk:
    """The routes, on the connected parts of the service."""

    def __init__(self, running: Running, tokens: Tokens) -> None:
        self._running = running
        self._tokens = tokens

    async def deliveries(
        self, query: Annotated[_DeliveryQuery, Query()], authorization: Authorization = ""
    ) -> dict[str, Any]:
        """Deliveries of the token's clinic, newest first: no addresses, no text."""
        bearer = bearer_of(self._tokens, authorization, "operator")
        async with self._running.door.work() as work:
            found = await lists.deliveries(work.tx, query.equal("patient_id", "state", clinic_id=bearer.clinic_id))
        return {"deliveries": [shown(entry) for entry in found], "next": next_page(found, query)}
