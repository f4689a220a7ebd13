"""Whether a service lives, and whether it is ready: told over HTTP, and true."""

import asyncio

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import JSONResponse

from shared.clock import wall_seconds
from shared.messaging.consumer import Consumer
from shared.messaging.held import heed_no_error
from shared.messaging.relay import Relay

_DATABASE_MAY_TAKE_SECONDS = 2
_RELAY_MAY_FAIL_SECONDS = 6
"""Whoever asks now and then learns within 10 s of the first failure."""


def add(app: FastAPI, engine: AsyncEngine, relay: Relay, consumer: Consumer) -> None:
    """`/health/live`: the event loop answers. `/health/ready`: 503 with what is wrong, if anything is."""

    async def live(_: Request) -> JSONResponse:
        return JSONResponse({"status": "live"})

    async def ready(_: Request) -> JSONResponse:
        found = await problems(engine, relay, consumer)
        warnings = [f"kafka: {topic} takes no records: {reason}" for topic, reason in relay.held.reasons.items()]
        body = {"status": "ready" if not found else "not-ready", "problems": found, "warnings": warnings}
        return JSONResponse(body, status_code=503 if found else 200)

    app.add_route("/health/live", live)
    app.add_route("/health/ready", ready)


async def problems(engine: AsyncEngine, relay: Relay, consumer: Consumer) -> list[str]:
    """Why the service is not ready; nothing where it is."""
    return [*await _database_problems(engine), *_kafka_problems(relay, consumer)]


async def _database_problems(engine: AsyncEngine) -> list[str]:
    asked = asyncio.ensure_future(_ask(engine))
    asked.add_done_callback(heed_no_error)
    done, _ = await asyncio.wait([asked], timeout=_DATABASE_MAY_TAKE_SECONDS)
    if not done:
        # Not awaited: where packets vanish, closing the connection takes seconds more.
        asked.cancel()
        return ["database: TimeoutError"]
    error = asked.exception()
    return [f"database: {type(error).__name__}"] if error else []


async def _ask(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))


def _kafka_problems(relay: Relay, consumer: Consumer) -> list[str]:
    found: list[str] = []
    if not consumer.assigned:
        found.append("kafka: no partitions assigned")
    if relay.failing_since and wall_seconds() - relay.failing_since > _RELAY_MAY_FAIL_SECONDS:
        found.append("kafka: the relay can't publish")
    return found
