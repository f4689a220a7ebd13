"""`tables.py` says what the migrations made: tables, columns, types and what may be null."""

import importlib
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData

from shared.database import open_engine
from shared.flow import FLOW

RUNTIME = {"inbox", "outbox", "applied_offset", "parked", "stranding", "alembic_version"}


def _ours(_: object, name: str | None, kind: str, __: bool, ___: object) -> bool:
    return kind == "column" or (kind == "table" and name not in RUNTIME)


@pytest.mark.parametrize("service", sorted(FLOW))
async def test_tables_and_migrations_agree(service: str, database_url: str) -> None:
    metadata: MetaData = importlib.import_module(f"services.{service}.tables").METADATA

    def differences(connection: Connection) -> list[Any]:
        return compare_metadata(MigrationContext.configure(connection, opts={"include_object": _ours}), metadata)

    engine = open_engine(database_url, service)
    try:
        async with engine.connect() as connection:
            assert await connection.run_sync(differences) == []
    finally:
        await engine.dispose()
