"""What patients choose: by staff or the clinic's system, and by one click in a mail (RFC 8058).

A GET shows what a click would do and changes nothing: mail scanners follow links.
"""

from typing import Annotated, Any, Final

from fastapi import FastAPI, Header, HTTPException
from markupsafe import Markup
from pydantic import BaseModel
from sqlalchemy import select
from starlette.responses import HTMLResponse

from services.notifications.api.bearers import STAFF, Authorization, bearer_of
from services.notifications.domain.wishes import ChoicesGiven, Way
from services.notifications.tables import CONSENT
from shared.events.base import Code, Identifier
from shared.ids import random_id
from shared.links import LinkInvalid, Signer
from shared.messaging.message import Message
from shared.messaging.service import Running
from shared.tokens import Tokens

_SOURCE: Final = "/stride/notifications/choices"
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}
_PAGE: Final = Markup(
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{title}</title></head>"
    '<body style="font-family: system-ui, sans-serif; max-width: 34em; margin: 2em auto; padding: 0 1em">'
    "<main><h1>{title}</h1>{body}</main></body></html>"
)
_ASK: Final = Markup(
    "<p>You would get no more emails about your appointments, also no reminders.</p>"
    '<form method="post"><button style="font: inherit; padding: 0.6em 1.2em">Stop the emails</button></form>'
)
_DONE: Final = Markup("<p>You get no more emails from us. To get them again, please tell the clinic.</p>")


def routes(running: Running, app: FastAPI, tokens: Tokens) -> None:
    """Add them."""
    desk = Choices(running, tokens)
    app.add_api_route("/patients/{patient_id}/choices", desk.listed)
    app.add_api_route("/patients/{patient_id}/choices", desk.choose, methods=["POST"], status_code=202)
    app.add_api_route("/u/{token}", desk.ask, response_class=HTMLResponse)
    app.add_api_route("/u/{token}", desk.stop, methods=["POST"], response_class=HTMLResponse)


class _Given(BaseModel):
    choices: dict[Code, Code]


class Choices:
    """The routes, on the connected parts of the service."""

    def __init__(self, running: Running, tokens: Tokens) -> None:
        self._running, self._tokens = running, tokens
        settings = running.settings
        self._signer = Signer.of(settings.stride_link_keys, settings.stride_tokens)

    async def listed(self, patient_id: Identifier, authorization: Authorization = "") -> dict[str, Any]:
        """The whole ledger of a patient's choices, oldest first."""
        bearer = bearer_of(self._tokens, authorization, *STAFF, "clinic-system")
        names = ("consent_id", "what", "value", "way", "wording", "recorded_by", "recorded_at")
        query = select(*(CONSENT.c[name] for name in names)).order_by(CONSENT.c.recorded_at, CONSENT.c.consent_id)
        query = query.where(CONSENT.c.clinic_id == bearer.clinic_id, CONSENT.c.patient_id == patient_id)
        async with self._running.door.work() as work:
            return {"choices": [dict(row) for row in (await work.tx.execute(query)).mappings()]}

    async def choose(
        self, patient_id: Identifier, given: _Given, authorization: Authorization = "",
        key: Annotated[Identifier | None, Header(alias="Idempotency-Key")] = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Record what a patient said to staff, or to the clinic's system."""
        bearer = bearer_of(self._tokens, authorization, "front-desk", "clinician", "clinic-system")
        way: Way = "clinic-system" if bearer.role == "clinic-system" else "staff"
        await self._record((bearer.clinic_id, patient_id), given.choices, way, bearer.system, key or random_id())
        return await self.listed(patient_id, authorization)

    async def ask(self, token: str) -> HTMLResponse:
        """What the link would do."""
        self._whose(token)
        return HTMLResponse(_PAGE.format(title="Stop emails?", body=_ASK), headers=_HEADERS)

    async def stop(self, token: str) -> HTMLResponse:
        """Opt out of mail, by the reader or by the reader's mail program."""
        whose = self._whose(token)
        await self._record(whose, {"email": "off"}, "one-click", whose[1], random_id())
        return HTMLResponse(_PAGE.format(title="Done", body=_DONE), headers=_HEADERS)

    def _whose(self, token: str) -> tuple[str, str]:
        try:
            return self._signer.patient(token, self._running.clock.now())
        except LinkInvalid:
            raise HTTPException(404, "This link is not valid, or no longer. Please call the clinic.") from None

    async def _record(
        self, whose: tuple[str, str], choices: dict[str, str], way: Way, by: str, request_id: str
    ) -> None:
        given = ChoicesGiven(
            clinic_id=whose[0], patient_id=whose[1], request_id=request_id, choices=choices, way=way, given_by=by
        )
        (outcome,) = await self._running.door.admit([Message(given.event_id, _SOURCE, given)])
        if outcome.state == "refused":
            raise HTTPException(422, f"{outcome.reason} {outcome.pointer}. {outcome.remedy}")
