"""Schemas, roles and tables of all services, brought up to date by Alembic.

Apart from `database.py`: services don't migrate, and start sooner without Alembic.
"""

from collections.abc import Mapping
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from shared.database import driver_url, role_of
from shared.flow import FLOW
from shared.settings import ROOT


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
                await connection.run_sync(_upgrade, service, service)
                await connection.commit()
            await connection.execute(text("SELECT pg_advisory_unlock(7246411)"))
    finally:
        await engine.dispose()


async def prepare_beside(database_url: str, service: str, schema: str) -> None:
    """Make an empty `schema` with the newest tables of `service`, owned by its role; what was there is dropped."""
    engine = create_async_engine(driver_url(database_url))
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
            await connection.execute(text(f"CREATE SCHEMA {schema} AUTHORIZATION {role_of(service)}"))
            await connection.commit()
            await connection.run_sync(_upgrade, service, schema)
            await connection.commit()
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


def _upgrade(connection: Connection, service: str, schema: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations_of(service)))
    config.attributes["connection"] = connection
    config.attributes["schema"] = schema
    connection.execute(text(f"SET ROLE {role_of(service)}"))
    connection.execute(text(f"SET search_path TO {schema}"))
    connection.commit()
    command.upgrade(config, "head")
    connection.commit()
    connection.execute(text("RESET ROLE"))
    connection.execute(text("RESET search_path"))


def migrations_of(service: str) -> Path:
    """Where the Alembic migrations of `service` live."""
    return ROOT / "services" / service / "migrations"
