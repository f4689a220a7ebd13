"""Reference for intake: the least that an HTTP endpoint can do, under the same uvicorn.

`/produce` puts the body (each event of a batch) on Kafka with acks=all and answers 202: no check, no token,
no database. `/commit` makes one row durable in PostgreSQL instead: the first step on the way of an event.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import orjson
import uvicorn
from aiokafka import AIOKafkaProducer

TOPIC = "bench.produced"
_BATCH = b"application/cloudevents-batch+json"

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class Endpoint:
    """The ASGI application."""

    def __init__(self, bootstrap: str, database: str) -> None:
        self._bootstrap, self._database = bootstrap, database
        self._producer: Any = None
        self._pool: Any = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request, or start and stop."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["method"] == "GET":
            await _answer(send, 200)
            return
        body = await _body(receive)
        if scope["path"] == "/commit":
            await self._pool.execute("INSERT INTO bench_asgi.fact (body) VALUES ($1)", body)
        else:
            await self._produce(_events(scope, body))
        await _answer(send, 202)

    async def _produce(self, events: list[bytes]) -> None:
        sent = [await self._producer.send(TOPIC, event) for event in events]
        await asyncio.gather(*sent)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all")
        await self._producer.start()
        self._pool = await asyncpg.create_pool(self._database, min_size=8, max_size=8)
        await self._pool.execute("CREATE SCHEMA IF NOT EXISTS bench_asgi")
        await self._pool.execute("CREATE TABLE IF NOT EXISTS bench_asgi.fact (body bytea)")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._producer.stop()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _answer(send: Send, status: int) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


def _events(scope: dict[str, Any], body: bytes) -> list[bytes]:
    if (b"content-type", _BATCH) not in scope["headers"]:
        return [body]
    return [orjson.dumps(event) for event in orjson.loads(body)]


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--port", type=int, required=True)
    told = parser.parse_args()
    endpoint = Endpoint(told.bootstrap, told.database)
    uvicorn.run(endpoint, host="127.0.0.1", port=told.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
