"""What providers call: reports of what became of messages. Signed, so no token."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import FastAPI, HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.notifications.api.calls import address_of, authentic, body_of
from services.notifications.gateways.provider import Reporting
from services.notifications.store.ledger import Ledger
from services.notifications.store.patients import PatientStore
from shared.messaging.service import Running


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
        body = await body_of(request)
        with authentic(provider):
            receipts = reporting.receipts(address_of(self.running, request), request.headers, body)
        async with self.running.door.work() as work:
            for fact in await self.ledger.receive(work.tx, receipts, self.running.clock.now()):
                self.running.door.publish(work, fact)
        return Response(status_code=204)
