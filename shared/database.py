"""Engines and migrations. Each service works in its own schema, under its own role."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.flow import FLOW
from shared.settings import ROOT

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


def open_engine(database_url: str, service: str, *, pool_size: int = 8) -> AsyncEngine:
    """An engine whose connections can see and touch only the schema of `service`."""
    return create_async_engine(
        driver_url(database_url),
        pool_size=pool_size,
        pool_pre_ping=True,
        connect_args={
            "timeout": 5,
            "command_timeout": 60,
            "server_settings": {
                "role": role_of(service),
                "search_path": service,
                "application_name": f"stride-{service}",
            },
        },
    )


def sqlstate(error: BaseException) -> str:
    """The SQLSTATE behind an error, or nothing where it did not come from PostgreSQL."""
    original = getattr(error, "orig", error)
    state = getattr(original, "sqlstate", None) or getattr(error, "sqlstate", None)
    return state if isinstance(state, str) else ""


async def prepare_schemas(database_url: str, passwords: Mapping[str, str] | None = None) -> None:
    """Create each service's role and schema and bring its tables up to date. Safe to repeat.

    A service that `passwords` names may log in with that password, as its own role; the others
    are reached only from the login that prepares them (the embedded stack, tests).
    """
    engine = create_async_engine(driver_url(database_url))
    try:
        async with engine.connect() as connection:
            # One migration at a time, however many processes start together.
            await connection.execute(text("SELECT pg_advisory_lock(7246411)"))
            await connection.commit()
            for service in FLOW:
                await _create_role_and_schema(connection, service)
                await _allow_login(connection, service, (passwords or {}).get(service))
                await connection.run_sync(_upgrade, service)
                await connection.commit()
            await connection.execute(text("SELECT pg_advisory_unlock(7246411)"))
    finally:
        await engine.dispose()


async def _create_role_and_schema(connection: AsyncConnection, service: str) -> None:
    role = role_of(service)
    known = await connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role})
    if not known:
        await connection.execute(text(f"CREATE ROLE {role} NOLOGIN"))
    await connection.execute(text(f"GRANT {role} TO CURRENT_USER"))
    await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {role}"))
    await connection.commit()


async def _allow_login(connection: AsyncConnection, service: str, password: str | None) -> None:
    if not password:
        return
    # ALTER ROLE takes no parameters: PostgreSQL itself quotes the password for it.
    statement = await connection.scalar(
        text("SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', CAST(:role AS text), CAST(:password AS text))"),
        {"role": role_of(service), "password": password},
    )
    await connection.exec_driver_sql(str(statement))
    await connection.commit()


def _upgrade(connection: Connection, service: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations_of(service)))
    config.attributes["connection"] = connection
    config.attributes["schema"] = service
    connection.execute(text(f"SET ROLE {role_of(service)}"))
    connection.execute(text(f"SET search_path TO {service}"))
    connection.commit()
    command.upgrade(config, "head")
    connection.commit()
    connection.execute(text("RESET ROLE"))
    connection.execute(text("RESET search_path"))


def migrations_of(service: str) -> Path:
    """Where the Alembic migrations of `service` live."""
    return ROOT / "services" / service / "migrations"


def prepare_schemas_blocking(database_url: str) -> None:
    """`prepare_schemas` for callers without an event loop."""
    asyncio.run(prepare_schemas(database_url))
