"""An SMS provider that keeps to our contract and fails to order: a process of its own, spoken to over HTTP.

    python -m benchmarks.notifications.sms_provider

prints its port. Each new message takes one word of the script, then all are taken:

    take         202
    take-500     takes it and answers 500: the caller can't know
    drop-taken   takes it and hangs up in the middle of its answer
    drop-lost    hangs up without taking it
    slow         takes it and answers after two seconds
    503, 429, 400, 401   does not take it, and says so

`POST /script` sets `answers`, and `early`, a receipt that is sent before the message's own answer.
`POST /reports` sends receipts in the order that they are given in. `GET /taken` tells what was taken.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import httpx
import orjson
import uvicorn
from standardwebhooks.webhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from shared.clock import SystemClock
from stride.embedded.ports import LOOPBACK

TOKEN, SECRET = "sms-token", "whsec_c21zLXJlcG9ydHMtYXJlLXNpZ25lZC13aXRoLXRoaXM="  # of a program for tests
_SLOW_SECONDS: Final = 2.0
_TAKING: Final = frozenset({"take", "take-500", "drop-taken", "slow"})
Report = tuple[str, int]
"""A receipt's status and sequence."""


@dataclass
class _Gateway:
    answers: list[str] = field(default_factory=list[str])
    early: list[Report] = field(default_factory=list[Report])
    taken: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    sent: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    calls: int = 0

    async def take(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Response(status_code=401)
        return await self._answer(request.headers["idempotency-key"], orjson.loads(await request.body()))

    async def twilio(self, request: Request) -> Response:
        """The same in Twilio's shape, which knows no repeats: its callback's address carries our reference."""
        form = dict(parse_qsl((await request.body()).decode()))
        reference = dict(parse_qsl(urlsplit(form["StatusCallback"]).query))["delivery"]
        message = {"to": form["To"], "body": form["Body"], "reference": reference, "receipts": form["StatusCallback"]}
        return await self._answer(reference, message, repeats=True)

    async def _answer(self, key: str, message: dict[str, str], *, repeats: bool = False) -> Response:
        self.calls += 1
        if key in self.taken and not repeats:
            return _accepted(key)
        order = self.answers.pop(0) if self.answers else "take"
        if order in _TAKING:
            self.taken[key] = message
            self.sent.append(message)
        if self.early:
            await _report(message["receipts"], key, self.early)
        if order == "slow":
            await asyncio.sleep(_SLOW_SECONDS)
        if order.startswith("drop"):
            return StreamingResponse(_broken_off(), 202)
        return _accepted(key) if order in {"take", "slow"} else _refused(order)

    async def asked(self, request: Request) -> Response:
        known = request.query_params.get("reference", "") in self.taken
        return JSONResponse({}, 200 if known else 404)

    async def script(self, request: Request) -> Response:
        told = orjson.loads(await request.body())
        self.answers, self.early = told["answers"], told["early"]
        return Response(status_code=204)

    async def reports(self, request: Request) -> Response:
        told = orjson.loads(await request.body())
        statuses = await _report(self.taken[told["reference"]]["receipts"], told["reference"], told["reports"])
        return JSONResponse(statuses)

    async def told(self, _: Request) -> Response:
        return JSONResponse({"messages": self.sent, "calls": self.calls})


async def _broken_off() -> AsyncGenerator[bytes]:
    yield b'{"id"'
    raise ConnectionAbortedError


def _accepted(key: str) -> Response:
    return JSONResponse({"id": f"sms-{key}", "sid": f"sms-{key}"}, 202)


def _refused(order: str) -> Response:
    return Response(status_code=int(order.removeprefix("take-")), headers={"retry-after": "7"})


async def _report(url: str, reference: str, reports: Sequence[Report]) -> list[int]:
    answers: list[int] = []
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        for status, sequence in reports:
            body = orjson.dumps(
                {"reference": reference, "id": f"sms-{reference}", "status": status, "sequence": sequence}
            )
            answers.append((await client.post(url, content=body, headers=signed(body))).status_code)
    return answers


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """The headers of a report, as a Standard Webhook."""
    now = SystemClock().now().replace(microsecond=0)
    signature = Webhook(secret).sign(msg_id="report", timestamp=now, data=body.decode())
    return {"webhook-id": "report", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}


def application(gateway: _Gateway) -> Starlette:
    """The provider's HTTP edge."""
    return Starlette(
        routes=[
            Route("/messages", gateway.take, methods=["POST"]),
            Route("/messages", gateway.asked),
            Route("/2010-04-01/Accounts/{account}/Messages.json", gateway.twilio, methods=["POST"]),
            Route("/script", gateway.script, methods=["POST"]),
            Route("/reports", gateway.reports, methods=["POST"]),
            Route("/taken", gateway.told),
        ]
    )


async def _serve() -> None:
    config = uvicorn.Config(application(_Gateway()), LOOPBACK, 0, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    sys.stdout.write(f"{server.servers[0].sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await serving


@dataclass(frozen=True, slots=True)
class SmsProvider:
    """A running one, for whoever gives it orders."""

    port: int
    client: httpx.AsyncClient

    @property
    def url(self) -> str:
        """Its address, as the service knows it."""
        return f"http://{LOOPBACK}:{self.port}"

    async def script(self, *answers: str, early: Sequence[Report] = ()) -> None:
        """What becomes of the next messages."""
        (await self.client.post("/script", json={"answers": answers, "early": early})).raise_for_status()

    async def report(self, reference: str, *reports: Report) -> list[int]:
        """Send receipts of a message; gives the service's answers."""
        answer = await self.client.post("/reports", json={"reference": reference, "reports": reports})
        return answer.raise_for_status().json()

    async def taken(self) -> list[Mapping[str, Any]]:
        """The messages that were taken, in order."""
        return (await self.client.get("/taken")).raise_for_status().json()["messages"]

    async def calls(self) -> int:
        """How often anybody wanted to hand over a message."""
        return (await self.client.get("/taken")).raise_for_status().json()["calls"]


@asynccontextmanager
async def sms_provider() -> AsyncGenerator[SmsProvider]:
    """One in its own process, while the block lasts."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        port = int(await asyncio.wait_for(process.stdout.readline(), 20))
        url = f"http://{LOOPBACK}:{port}"
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) as client:
            yield SmsProvider(port, client)
    finally:
        process.terminate()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(_serve())
