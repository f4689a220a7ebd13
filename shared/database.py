"""Connections to PostgreSQL. Each service works in its own schema, under its own role."""

import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import asyncpg
from sqlalchemy import URL, TextClause, event, make_url, text
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

TRANSIENT_STATES = ("08", "40001", "40P01", "53", "55P03", "57P", "58")
"""SQLSTATE prefixes after which the same work may succeed: connection, deadlock, resources, shutdown."""

CONFLICT_STATES = ("23P01",)
"""SQLSTATE prefixes that mean someone else took what we wanted: decide again on fresh state."""


def role_of(service: str) -> str:
    """The PostgreSQL role that `service` works under."""
    return f"stride_{service}"


def driver_url(database_url: str) -> URL:
    """The URL with our driver, whatever driver it named."""
    return make_url(database_url).set(drivername="postgresql+asyncpg")


def open_engine(database_url: str, service: str, *, pool_size: int = 8, schema: str = "") -> AsyncEngine:
    """An engine whose connections work in the schema of `service`, under its role; or in a `schema` beside it."""
    engine = create_async_engine(
        driver_url(database_url),
        pool_size=pool_size,
        connect_args={
            "timeout": 5,
            "command_timeout": 60,
            "server_settings": {
                "role": role_of(service),
                "search_path": schema or service,
                "application_name": f"stride-{schema or service}",
            },
        },
    )
    event.listen(engine.sync_engine, "checkout", _check_open)
    return engine


def _check_open(connection: Any, *_: object) -> None:
    """A pooled connection that PostgreSQL has closed is replaced before it is used.

    The driver knows without asking; SQLAlchemy's own ping takes three round trips before each transaction.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError


_ANY = text("SELECT 1")
_PARAMETER = re.compile(r"(?<!:):([a-z_]+)")


async def fetch(tx: AsyncConnection, statement: TextClause, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    """The rows of a statement that the driver itself runs: a third of the time that it takes through SQLAlchemy.

    Values come by position. The first statement of a transaction goes through SQLAlchemy, which begins it.

    Raises:
        DBAPIError: as from SQLAlchemy.
    """
    raw = _driver(tx)
    if not raw.is_in_transaction():
        result = await tx.execute(statement, parameters)
        return result.all() if result.returns_rows else []
    sql, names = for_driver(statement.text)
    with _failures(raw, sql):
        rows: Sequence[Sequence[Any]] = await raw.fetch(sql, *(parameters[name] for name in names))
    return rows


@cache
def for_driver(sql: str) -> tuple[str, tuple[str, ...]]:
    """`sql` with numbers for its named parameters, and these in order."""
    names = tuple(dict.fromkeys(_PARAMETER.findall(sql)))
    return _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", sql), names


async def copy_rows(tx: AsyncConnection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Add rows that are certainly new, by COPY: a third of the time that arrays take, here and in PostgreSQL.

    Raises:
        DBAPIError: a row was there already, or breaks a constraint.
    """
    raw = _driver(tx)
    if not raw.is_in_transaction():
        # SQLAlchemy begins with the first statement of its own; a COPY before it would commit at once.
        await tx.execute(_ANY)
    with _failures(raw, f"COPY {table}"):
        await raw.copy_records_to_table(table, records=rows, columns=columns)


def _driver(tx: AsyncConnection) -> Any:
    """The asyncpg connection of a transaction."""
    connection = tx.sync_connection
    assert connection is not None
    return connection.connection.driver_connection


@contextmanager
def _failures(raw: Any, what: str) -> Generator[None]:
    """The driver's errors as SQLAlchemy's. A connection that gave no answer in time is not asked for a rollback."""
    try:
        yield
    except TimeoutError:
        raw.terminate()
        raise
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DBAPIError(what, None, error, connection_invalidated=raw.is_closed()) from error


def swapped_away(error: DBAPIError) -> bool:
    """Whether tables were swapped under a statement that a connection had prepared: a new connection can do it."""
    return type(error.orig).__name__ == "InvalidCachedStatementError"


def sqlstate(error: BaseException) -> str:
    """The SQLSTATE behind an error, or nothing where it did not come from PostgreSQL."""
    original = getattr(error, "orig", error)
    state = getattr(original, "sqlstate", None) or getattr(error, "sqlstate", None)
    return state if isinstance(state, str) else ""
