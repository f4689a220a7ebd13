"""The running tables for a moment at a standstill, so that there is one answer to what they and the log say."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import asyncpg
import orjson
from sqlalchemy import make_url

from shared.messaging.errors import Unavailable
from shared.rebuild.told_facts import ToldRecord, told_record

Mode = Literal["SHARE", "ACCESS EXCLUSIVE"]
"""Nobody writes; or nobody reads either."""

_LOCK_WAIT = "400ms"
"""Less than PostgreSQL's deadlock_timeout: if locks cross, it is we who let go."""
_ATTEMPTS = 100
_PAUSE_SECONDS = 0.05
_FIRST: dict[Mode, tuple[str, ...]] = {"SHARE": ("inbox",), "ACCESS EXCLUSIVE": ("applied_offset", "inbox")}
"""What a service's transactions touch first: those under way end, the next ones wait at their beginning."""


class NoStandstill(Exception):
    """The running tables were in use without a break."""

    exit_code = 69


@dataclass(frozen=True, slots=True)
class Standstill:
    """How far the running service is: what it has applied, and what it has not published yet."""

    connection: asyncpg.Connection
    applied: dict[tuple[str, int], int]
    outbox: list[ToldRecord]


async def connect(database_url: str) -> asyncpg.Connection:
    """A connection of the login that owns the database.

    Raises:
        Unavailable: PostgreSQL does not answer.
    """
    url = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        return await asyncpg.connect(url, timeout=10, server_settings={"application_name": "stride-rebuild"})
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise Unavailable(
            f"PostgreSQL does not answer: {type(error).__name__}. `stride doctor` may tell why."
        ) from error


async def how_far(connection: asyncpg.Connection, service: str) -> Standstill:
    """What the tables say now; only within a standstill do its two parts belong together."""
    offsets = await connection.fetch(f"SELECT topic, partition, next_offset FROM {service}.applied_offset")  # noqa: S608
    rows = await connection.fetch(
        f"SELECT id, type, headers, payload FROM {service}.outbox "  # noqa: S608
        "WHERE aggregatetype NOT LIKE 'dlq.%' ORDER BY position"
    )
    applied = {(row["topic"], row["partition"]): row["next_offset"] for row in offsets}
    return Standstill(connection, applied, [_told(row) for row in rows])


@asynccontextmanager
async def standstill(connection: asyncpg.Connection, service: str, mode: Mode) -> AsyncGenerator[Standstill]:
    """A transaction in which `service` can't change its tables; it commits at the end.

    Raises:
        NoStandstill: the tables are in use all the time.
    """
    for attempt in range(_ATTEMPTS):
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'")
            for tables in await _in_order(connection, service, mode):
                await connection.execute(f"LOCK TABLE {tables} IN {mode} MODE")
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await transaction.rollback()
            await asyncio.sleep(_PAUSE_SECONDS * (1 + random.random() * min(attempt, 20)))  # noqa: S311
            continue
        try:
            yield await how_far(connection, service)
        except BaseException:
            await transaction.rollback()
            raise
        await transaction.commit()
        return
    raise NoStandstill(
        f"The tables of {service} were in use during {_ATTEMPTS} attempts to lock them for a moment. "
        "Look for long transactions (pg_stat_activity), or try at a quieter time; nothing was changed."
    )


async def _in_order(connection: asyncpg.Connection, service: str, mode: Mode) -> Sequence[str]:
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 1", service)
    names: list[str] = [row["tablename"] for row in rows]
    first = [name for name in _FIRST[mode] if name in names]
    middle = [name for name in names if name not in (*first, "outbox")]
    return [f'{service}."{name}"' for name in (*first, *middle, "outbox")]


def _told(row: Any) -> ToldRecord:
    headers = dict(entry[:2] for entry in orjson.loads(row["headers"]))
    return told_record(row["id"], row["type"], headers, row["payload"] or b"")
