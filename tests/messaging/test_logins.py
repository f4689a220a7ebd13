"""Logins of the services: their own role, their own password, and nothing of another's."""

from collections.abc import AsyncGenerator

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from shared.database import driver_url, role_of
from shared.flow import FLOW
from shared.ids import random_id
from shared.schemas import prepare_schemas

TRICKY = "it's a \"pass%word\\"


@pytest_asyncio.fixture(loop_scope="session")
async def migrator_url(database_url: str) -> AsyncGenerator[str]:
    """A database of its own, whose owner may make roles and is no superuser: as in docker compose."""
    name = f"logins_{random_id().replace('-', '_')}"
    engine = create_async_engine(driver_url(database_url), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for service in FLOW:
            # The roles are the server's, made by whoever came first: the migrator may manage them too.
            await connection.execute(text(f"GRANT {role_of(service)} TO CURRENT_USER"))
        await connection.execute(text(f"CREATE ROLE {name} LOGIN CREATEROLE PASSWORD 'm'"))
        for service in FLOW:
            await connection.execute(text(f"GRANT {role_of(service)} TO {name} WITH ADMIN OPTION"))
        await connection.execute(text(f"CREATE DATABASE {name} OWNER {name}"))
    url = make_url(database_url).set(username=name, password="m", database=name)
    yield url.render_as_string(hide_password=False)
    async with engine.connect() as connection:
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        for service in FLOW:
            await connection.execute(text(f"REVOKE {role_of(service)} FROM {name} CASCADE"))
            await connection.execute(text(f"ALTER ROLE {role_of(service)} NOLOGIN PASSWORD NULL"))
        await connection.execute(text(f"DROP ROLE {name}"))
    await engine.dispose()


async def test_a_service_logs_in_with_its_password_and_sees_its_own_schema_only(migrator_url: str) -> None:
    passwords = {service: f"{TRICKY} {service}" for service in FLOW}
    await prepare_schemas(migrator_url, passwords)
    await prepare_schemas(migrator_url, passwords)
    progress = await _login(migrator_url, "progress", passwords["progress"])
    try:
        assert await progress.fetchval("SELECT count(*) FROM progress.inbox") == 0
        for forbidden in (
            "SELECT * FROM intake.inbox",
            "SET ROLE stride_intake",
            "CREATE SCHEMA theirs",
            "CREATE TABLE public.theirs (id int)",
            "ALTER ROLE stride_intake PASSWORD NULL",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await progress.execute(forbidden)
    finally:
        await progress.close()


async def test_a_service_has_no_login_with_the_password_of_another(migrator_url: str) -> None:
    await prepare_schemas(migrator_url, {service: service for service in FLOW})
    with pytest.raises(asyncpg.InvalidPasswordError):
        await _login(migrator_url, "progress", "intake")


async def test_a_changed_password_replaces_the_one_before(migrator_url: str) -> None:
    await prepare_schemas(migrator_url, {"progress": "before"})
    await prepare_schemas(migrator_url, {"progress": "after"})
    with pytest.raises(asyncpg.InvalidPasswordError):
        await _login(migrator_url, "progress", "before")
    await (await _login(migrator_url, "progress", "after")).close()


async def _login(url: str, service: str, password: str) -> asyncpg.Connection:
    other = make_url(url)
    return await asyncpg.connect(
        host=other.host, port=other.port, database=other.database, user=role_of(service), password=password
    )
