"""Webhook subscriptions: clinic systems say what they want to be called about."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Body, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.responses import Response

from services.notifications.api.bearers import Authorization, bearer_of
from services.notifications.gateways.webhooks import check_address, new_secret
from services.notifications.handlers import TOLD_TO_SYSTEMS
from services.notifications.store import subscriptions
from services.notifications.store.subscriptions import Subscription
from shared.events.base import Identifier
from shared.ids import random_id
from shared.messaging.service import Running
from shared.tokens import Bearer, Tokens

_MOST = 20
"""Subscriptions of one clinic."""


def routes(running: Running, app: FastAPI, tokens: Tokens, *, private_allowed: bool) -> None:
    """Add them."""
    desk = Subscriptions(running, tokens, private_allowed)
    app.add_api_route("/subscriptions", desk.listed)
    app.add_api_route("/subscriptions", desk.add, methods=["POST"], status_code=201)
    app.add_api_route("/subscriptions/{subscription_id}", desk.remove, methods=["DELETE"], status_code=204)
    app.add_api_route("/subscriptions/{subscription_id}/rotate", desk.rotate, methods=["POST"])
    app.add_api_route("/subscriptions/{subscription_id}/enable", desk.enable, methods=["POST"], status_code=204)


class _New(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(min_length=8, max_length=2000)]
    facts: Annotated[list[str], Field(min_length=1, max_length=100)]

    @field_validator("facts")
    @classmethod
    def _known(cls, facts: list[str]) -> list[str]:
        if not set(facts) <= TOLD_TO_SYSTEMS:
            raise ValueError(f"each must be one of {', '.join(sorted(TOLD_TO_SYSTEMS))}")
        return sorted(set(facts))


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """The routes; an operator's token is needed for each."""

    running: Running
    tokens: Tokens
    private_allowed: bool

    async def listed(self, authorization: Authorization = "") -> dict[str, Any]:
        """All of the token's clinic, without secrets."""
        bearer = self._bearer(authorization)
        async with self.running.door.work() as work:
            found = await subscriptions.of_clinic(work.tx, bearer.clinic_id)
        return {"subscriptions": [_shown(one) for one in found]}

    async def add(self, new: Annotated[_New, Body()], authorization: Authorization = "") -> dict[str, Any]:
        """A new subscription; its secret is told this once."""
        bearer = self._bearer(authorization)
        wrong = check_address(new.url, private_allowed=self.private_allowed)
        if wrong:
            raise HTTPException(422, f"url {wrong}")
        added = Subscription(random_id(), bearer.clinic_id, new.url, tuple(new.facts), new_secret())
        async with self.running.door.work() as work:
            if len(await subscriptions.of_clinic(work.tx, bearer.clinic_id)) >= _MOST:
                raise HTTPException(409, f"there may be {_MOST} subscriptions; remove one first")
            await subscriptions.add(work.tx, added, self.running.clock.now())
        return {**_shown(added), "secret": added.secret}

    async def rotate(self, subscription_id: Identifier, authorization: Authorization = "") -> dict[str, Any]:
        """A new secret, told this once; for 24 hours calls carry a signature of each."""
        bearer, secret = self._bearer(authorization), new_secret()
        async with self.running.door.work() as work:
            now = self.running.clock.now()
            if not await subscriptions.rotate(work.tx, bearer.clinic_id, subscription_id, secret, now):
                raise HTTPException(404)
        return {"subscription_id": subscription_id, "secret": secret}

    async def enable(self, subscription_id: Identifier, authorization: Authorization = "") -> Response:
        """Call it again after it was disabled."""
        bearer = self._bearer(authorization)
        async with self.running.door.work() as work:
            if not await subscriptions.enable(work.tx, bearer.clinic_id, subscription_id):
                raise HTTPException(404)
        return Response(status_code=204)

    async def remove(self, subscription_id: Identifier, authorization: Authorization = "") -> Response:
        """Call it no more, also about what is still waiting."""
        bearer = self._bearer(authorization)
        async with self.running.door.work() as work:
            if not await subscriptions.remove(work.tx, bearer.clinic_id, subscription_id):
                raise HTTPException(404)
        return Response(status_code=204)

    def _bearer(self, authorization: str) -> Bearer:
        return bearer_of(self.tokens, authorization, "operator")


def _shown(one: Subscription) -> dict[str, Any]:
    return {
        "subscription_id": one.subscription_id,
        "url": one.url,
        "facts": list(one.facts),
        "created_at": one.created_at,
        "disabled_at": one.disabled_at,
        "disabled_because": one.disabled_because,
    }
