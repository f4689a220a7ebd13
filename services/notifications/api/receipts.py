"""What providers call: reports of what became of messages. Signed, so no token."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import FastAPI, HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.notifications.gateways.provider import NotAuthentic, Reporting, Unintelligible
from services.notifications.store.ledger import Ledger
from services.notifications.store.patients import PatientStore
from shared.messaging.service import Running
from shared.telemetry import log

_MOST_BYTES = 64 * 1024


def routes(running: Running, app: FastAPI, providers: Sequence[Reporting]) -> None:
    """Add them."""
    store = running.door.store
    assert isinstance(store, PatientStore)
    reports = Reports(running, Ledger(store, ""), {provider.name: provider for provider in providers})
    app.add_api_route("/receipts/{provider}", reports.take, methods=["POST"], status_code=204)


@dataclass(frozen=True, slots=True)
class Reports:
    """Takes in receipts of the providers that report."""

    running: Running
    ledger: Ledger
    providers: Mapping[str, Reporting]

    async def take(self, provider: str, request: Request) -> Response:
        """204 once they are stored, also for messages that nobody knows: the provider need not come again."""
        reporting = self.providers.get(provider)
        if reporting is None:
            raise HTTPException(404)
        body = await _body(request)
        try:
            receipts = reporting.receipts(self._address(request), request.headers, body)
        except NotAuthentic as error:
            log().warning("receipt-not-authentic", provider=provider, reason=str(error))
            raise HTTPException(401) from None
        except Unintelligible as error:
            log().warning("receipt-unintelligible", provider=provider, reason=str(error))
            raise HTTPException(422) from None
        async with self.running.door.work() as work:
            for fact in await self.ledger.receive(work.tx, receipts, self.running.clock.now()):
                self.running.door.publish(work, fact)
        return Response(status_code=204)

    def _address(self, request: Request) -> str:
        """The address as the provider knows it, whatever proxies made of it."""
        query = f"?{request.url.query}" if request.url.query else ""
        return f"{self.running.settings.stride_public_url.rstrip('/')}{request.url.path}{query}"


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise HTTPException(413)
    return body
