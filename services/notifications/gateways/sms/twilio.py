"""SMS by the shape of Twilio's Programmable Messaging API (2010-04-01).

It has no idempotency key, so a call without an answer leaves the message unknown until a status
callback tells. The callback's address carries the delivery's id.
"""

import hmac
from base64 import b64encode
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha1
from re import fullmatch
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.sax.saxutils import escape

import httpx

from services.notifications.domain.parcels import Text
from services.notifications.domain.receipts import Receipt
from services.notifications.domain.state import DeliveryState
from services.notifications.gateways import http_calls
from services.notifications.gateways.outcomes import Uncertain
from services.notifications.gateways.provider import Answer, Incoming, NotAuthentic, Unintelligible

_STATES: Final = {
    "accepted": DeliveryState.ACCEPTED,
    "scheduled": DeliveryState.ACCEPTED,
    "queued": DeliveryState.ACCEPTED,
    "sending": DeliveryState.ACCEPTED,
    "sent": DeliveryState.ACCEPTED,
    "delivered": DeliveryState.DELIVERED,
    "read": DeliveryState.DELIVERED,
    "undelivered": DeliveryState.UNDELIVERED,
    "failed": DeliveryState.UNDELIVERED,
    "canceled": DeliveryState.UNDELIVERED,
}


_ANSWERED_BY_TWILIO: Final = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "START", "YES", "UNSTOP", "HELP",
     "INFO"}
)  # fmt: skip


class Twilio:
    """An account; `sender` is a number or the sid of a messaging service (`MG...`)."""

    repeatable = False

    def __init__(
        self, name: str, url: str, account: str, token: str, *, sender: str, reports_url: str, seconds: float
    ) -> None:
        self.name = name
        self._token = token
        self._path = f"/2010-04-01/Accounts/{account}/Messages.json"
        self._sender = {"MessagingServiceSid" if sender.startswith("MG") else "From": sender}
        self._reports_url = reports_url
        self._client = httpx.AsyncClient(base_url=url, auth=(account, token), timeout=seconds, trust_env=False)

    @asynccontextmanager
    async def dialogue(self, parcel: Text, key: str) -> AsyncGenerator["_Call"]:
        """The call is made when it is handed over."""
        callback = f"{self._reports_url}?{urlencode({'delivery': key})}"
        form = {"To": parcel.to, "Body": parcel.body, "StatusCallback": callback, **self._sender}
        yield _Call(self._client, self._path, form)

    def receipts(self, url: str, headers: Mapping[str, str], body: bytes) -> list[Receipt]:
        """The receipt of a status callback; `url` with its query, as Twilio knows it."""
        form = self.form(url, headers, body)
        delivery_id = dict(parse_qsl(urlsplit(url).query)).get("delivery", "")
        state = _STATES.get(form.get("MessageStatus", ""))
        if not delivery_id or state is None:
            raise Unintelligible("delivery" if not delivery_id else "MessageStatus")
        return [Receipt(delivery_id, state, reference=form.get("MessageSid", ""))]

    def form(self, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """The form of a call by Twilio.

        Raises:
            NotAuthentic: the signature is missing or wrong.
            Unintelligible: not a form.
        """
        try:
            fields = parse_qsl(body.decode("utf-8"), keep_blank_values=True, strict_parsing=True)
        except ValueError:
            raise Unintelligible("form") from None
        if not hmac.compare_digest(signature(self._token, url, fields), headers.get("x-twilio-signature", "")):
            raise NotAuthentic("x-twilio-signature")
        return dict(fields)

    def incoming(self, url: str, headers: Mapping[str, str], body: bytes) -> Incoming:
        """What a patient texted back. Twilio itself answers its own English keywords, and says so by `OptOutType`."""
        form = self.form(url, headers, body)
        message_id, number = form.get("MessageSid", ""), form.get("From", "")
        if not fullmatch(r"[A-Za-z0-9]{1,64}", message_id) or not fullmatch(r"\+[1-9]\d{6,14}", number):
            raise Unintelligible("MessageSid or From")
        words = form.get("Body", "")
        answered = bool(form.get("OptOutType")) or words.strip().upper() in _ANSWERED_BY_TWILIO
        return Incoming(message_id, number, words, answered)

    def answer(self, words: str) -> Answer:
        """TwiML."""
        said = f"<Message>{escape(words)}</Message>" if words else ""
        content = f'<?xml version="1.0" encoding="UTF-8"?><Response>{said}</Response>'
        return Answer(content.encode(), "text/xml")

    async def arrived(self, key: str) -> None:
        """Twilio can't be asked by our key; its status callback tells."""

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()


def signature(token: str, url: str, fields: list[tuple[str, str]]) -> str:
    """What `X-Twilio-Signature` must be: HMAC-SHA1 over the address and the sorted fields, in base64."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return b64encode(hmac.new(token.encode(), signed.encode(), sha1).digest()).decode()


@dataclass(frozen=True, slots=True)
class _Call:
    client: httpx.AsyncClient
    path: str
    form: dict[str, str]

    async def hand_over(self) -> str:
        """Returns Twilio's sid of the message."""
        answer = await http_calls.post(self.client, self.path, data=self.form)
        try:
            return str(answer.json()["sid"])
        except (ValueError, KeyError, TypeError) as error:
            raise Uncertain("unintelligible answer") from error
