"""What patients choose, as staff or the clinic's system record it."""

from typing import Annotated, Any, Literal

from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel
from sqlalchemy import select

from services.notifications.api.bearers import STAFF, Authorization, bearer_of
from services.notifications.api.recording import hand_in
from services.notifications.domain.proof import ProofWished
from services.notifications.domain.wishes import ChoicesGiven, Way
from services.notifications.tables import CONSENT
from shared.events.base import Code, Fact, Identifier
from shared.ids import random_id
from shared.messaging.service import Running
from shared.tokens import Tokens


def routes(running: Running, app: FastAPI, tokens: Tokens) -> None:
    """Add them."""
    desk = Choices(running, tokens)
    app.add_api_route("/patients/{patient_id}/choices", desk.listed)
    app.add_api_route("/patients/{patient_id}/choices", desk.choose, methods=["POST"], status_code=202)
    app.add_api_route("/patients/{patient_id}/proof", desk.prove, methods=["POST"], status_code=202)


class _Given(BaseModel):
    choices: dict[Code, Code]


class _Proof(BaseModel):
    channel: Literal["email", "sms"]


class Choices:
    """The routes, on the connected parts of the service."""

    def __init__(self, running: Running, tokens: Tokens) -> None:
        self._running, self._tokens = running, tokens

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
        await self._hand_in(
            ChoicesGiven(
                clinic_id=bearer.clinic_id, patient_id=patient_id, request_id=key or random_id(),
                choices=given.choices, way=way, given_by=bearer.system,
            )
        )  # fmt: skip
        return await self.listed(patient_id, authorization)

    async def prove(
        self, patient_id: Identifier, asked: _Proof, authorization: Authorization = "",
        key: Annotated[Identifier | None, Header(alias="Idempotency-Key")] = None,
    ) -> dict[str, str]:  # fmt: skip
        """Send the patient a code by text message, or a link by mail, which proves that the address is theirs."""
        bearer = bearer_of(self._tokens, authorization, "front-desk", "clinician", "clinic-system")
        topic = "verify" if asked.channel == "sms" else "link"
        fact = ProofWished(
            clinic_id=bearer.clinic_id, patient_id=patient_id, request_id=key or random_id(), topic=topic
        )
        await self._hand_in(fact)
        return {"channel": asked.channel}

    async def _hand_in(self, fact: Fact) -> None:
        (outcome,) = await hand_in(self._running, fact)
        if outcome.state == "refused":
            raise HTTPException(422, f"{outcome.reason} {outcome.pointer}. {outcome.remedy}")
