"""An SMS gateway that keeps to the contract in docs/notifications.md."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import orjson

from services.notifications.domain.parcels import Text
from services.notifications.domain.receipts import Receipt
from services.notifications.gateways import http_calls, signed_reports
from services.notifications.gateways.outcomes import PutOff, Uncertain, Unreachable
from services.notifications.gateways.provider import Answer, Incoming

_NOTHING_TAKEN, _NONE_TAKEN = 503, 404


class SmsGateway:
    """Takes each `Idempotency-Key` once, however often it comes; reports to `reports_url`."""

    def __init__(
        self, name: str, url: str, token: str, *, sender: str, reports_url: str, reports_secret: str, seconds: float
    ) -> None:
        self.name = name
        self._sender = sender
        self._reports_url = reports_url
        self._reports_secret = reports_secret
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.AsyncClient(base_url=url, headers=headers, timeout=seconds, trust_env=False)

    @asynccontextmanager
    async def dialogue(self, parcel: Text, key: str) -> AsyncGenerator["_Call"]:
        """The call is made when it is handed over."""
        body = {"to": parcel.to, "from": self._sender, "body": parcel.body, "reference": key}
        yield _Call(self._client, body | {"receipts": self._reports_url}, key)

    def receipts(self, url: str, headers: Mapping[str, str], body: bytes) -> list[Receipt]:  # signed by header alone
        """The receipt of a call by the gateway."""
        return signed_reports.read(self._reports_secret, headers, body)

    def incoming(self, url: str, headers: Mapping[str, str], body: bytes) -> Incoming:
        """What a patient texted back."""
        return signed_reports.read_text(self._reports_secret, headers, body)

    def answer(self, words: str) -> Answer:
        """By contract the gateway sends `reply` to whom it has it from."""
        return Answer(orjson.dumps({"reply": words or None}), "application/json")

    async def arrived(self, key: str) -> bool:
        """Whether the gateway knows a message of this reference; by contract 404 means that it took none."""
        try:
            answer = await self._client.get("/messages", params={"reference": key})
        except httpx.HTTPError as error:
            raise Unreachable(type(error).__name__) from error
        if answer.is_success:
            return True
        if answer.status_code == _NONE_TAKEN:
            return False
        raise Unreachable(f"http-{answer.status_code}")

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()


@dataclass(frozen=True, slots=True)
class _Call:
    client: httpx.AsyncClient
    body: dict[str, str]
    key: str

    async def hand_over(self) -> str:
        """Returns the gateway's id of the message. By contract 503 means that nothing was taken."""
        try:
            answer = await http_calls.post(
                self.client, "/messages", json=self.body, headers={"Idempotency-Key": self.key}
            )
            return str(answer.json()["id"])
        except Uncertain as error:
            if str(error) == f"http-{_NOTHING_TAKEN}":
                raise PutOff(str(error)) from error
            raise
        except (ValueError, KeyError, TypeError) as error:
            raise Uncertain("unintelligible answer") from error
