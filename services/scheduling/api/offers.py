"""A patient's answer to an offer, by a signed link: a small page that works without scripts.

A GET shows what can be answered and changes nothing: mail scanners follow links. A second click gets the same answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from sqlalchemy import Row
from starlette.responses import HTMLResponse

from services.scheduling.api.offer_page import Page
from services.scheduling.store.waiting import find_offer
from shared.clinics import Clinic, load_clinics
from shared.events.scheduling import SlotRequested
from shared.ids import derived_id
from shared.links import LinkInvalid, Signer
from shared.messaging.service import Running

_LONGEST_FORM = 1000
_STATUS = {"accepted": 200, "declined": 200, "taken": 409}
Became = Literal["open", "accepted", "declined", "taken", "over"]


async def answered(running: Running, offer: Row[Any], *, accept: bool) -> Became:
    """Accept or decline an offer; tells how it stands then, which is not what was answered where it came too late."""
    if (became := _standing(running, offer)) != "open":
        return became
    answer = "confirm" if accept else "release"
    fact = SlotRequested(
        clinic_id=offer.clinic_id,
        patient_id=offer.patient_id,
        request_id=derived_id("answer", offer.clinic_id, offer.hold_id, answer),
        action=answer,
        requested_at=running.clock.now(),
        plan_id=offer.plan_id,
        sequence=offer.sequence,
        appointment_id=offer.hold_id,
    )
    await running.door.admit([running.door.own(fact)])
    async with running.engine.connect() as tx:
        after = await find_offer(tx, offer.clinic_id, offer.hold_id)
    became = _standing(running, after) if after else "over"
    return "taken" if became == "open" else became


def _standing(running: Running, offer: Row[Any]) -> Became:
    if offer.state == "open":
        return "open" if running.clock.now() < offer.expires_at else "over"
    return {"confirmed": "accepted", "released": "declined"}.get(offer.state, "over")  # pyright: ignore[reportReturnType]


@dataclass(frozen=True, slots=True)
class OfferPages:
    """The pages behind the links that messages of offers have."""

    running: Running
    signer: Signer
    clinics: Mapping[str, Clinic]

    @staticmethod
    def of(running: Running) -> "OfferPages":
        """With the keys and the clinics of the settings."""
        settings = running.settings
        signer = Signer.of(settings.stride_link_keys, settings.stride_tokens)
        return OfferPages(running, signer, load_clinics(settings.stride_clinics))

    async def ask(self, request: Request, token: str) -> HTMLResponse:
        """What is offered, and two buttons."""
        offer, page = await self._found(request, token)
        if offer is None:
            return page.told("unknown", 404)
        became = _standing(self.running, offer)
        return page.asking(offer) if became == "open" else page.told(f"was-{became}", 410)

    async def answer(self, request: Request, token: str) -> HTMLResponse:
        """Take the answer: 409 where the time can't be had any more, 410 where the offer is over or was answered."""
        offer, page = await self._found(request, token)
        said = await _form(request)
        if offer is None:
            return page.told("unknown", 404)
        if said not in ("yes", "no"):
            return page.asking(offer)
        became = await answered(self.running, offer, accept=said == "yes")
        as_said = became == ("accepted" if said == "yes" else "declined")
        if as_said or became == "taken":
            return page.told(became, _STATUS[became])
        return page.told(f"was-{became}", 410)

    async def _found(self, request: Request, token: str) -> tuple[Row[Any] | None, Page]:
        language = request.headers.get("accept-language", "")
        try:
            clinic_id, _, offer_id = self.signer.offer(token, self.running.clock.now())
        except LinkInvalid:
            return None, Page.of(language, None)
        async with self.running.engine.connect() as tx:
            offer = await find_offer(tx, clinic_id, offer_id)
        return offer, Page.of(language, self.clinics.get(clinic_id))


def mount_offers(pages: OfferPages, app: FastAPI) -> None:
    """Add the routes."""
    app.add_api_route("/o/{token}", pages.ask, methods=["GET"], response_class=HTMLResponse)
    app.add_api_route("/o/{token}", pages.answer, methods=["POST"], response_class=HTMLResponse)


async def _form(request: Request) -> str:
    """The field `answer` of a form of a few characters."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            return ""
    return parse_qs(body.decode("ascii", "replace")).get("answer", [""])[0]
