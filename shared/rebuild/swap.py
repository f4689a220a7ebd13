"""Putting a rebuilt schema in the place of the running one, in the transaction that holds both still."""

from datetime import datetime

import asyncpg

from shared.database import role_of

_MOVED = ("inbox", "applied_offset", "outbox", "stranding")
"""Tables that go over as they are: what was seen and how far, what has not left yet, what staff know to be stranded."""
_NEW_FACTS = """
    INSERT INTO {running}.outbox (bucket, id, aggregatetype, aggregateid, type, headers, payload)
    SELECT bucket, id, aggregatetype, aggregateid, type, headers, payload FROM {rebuilt}.outbox ORDER BY position
"""
_PARKED_SINCE = """
    UPDATE {rebuilt}.parked AS ours SET parked_at = theirs.parked_at FROM {running}.parked AS theirs
    WHERE (ours.topic, ours.partition, ours.record_offset) = (theirs.topic, theirs.partition, theirs.record_offset)
"""


async def swap(connection: asyncpg.Connection, service: str, rebuilt: str, now: datetime) -> str:
    """Rename; to be called in a standstill of mode ACCESS EXCLUSIVE. Gives the old schema's new name.

    Statements that wait for a lock look their tables up anew once it is given, and find the new ones.
    The old schema changes its owner, so that nothing can be written there by mistake.
    """
    names = {"running": service, "rebuilt": rebuilt}
    old = f"{service}_before_{now:%Y%m%d%H%M%S}"
    await connection.execute(_PARKED_SINCE.format(**names))
    await connection.execute(_NEW_FACTS.format(**names))
    await connection.execute(f"DROP TABLE {rebuilt}.told_fact")
    for table in _MOVED:
        await connection.execute(f"DROP TABLE {rebuilt}.{table}")
        await connection.execute(f"ALTER TABLE {service}.{table} SET SCHEMA {rebuilt}")
    await connection.execute(f"ALTER SCHEMA {service} RENAME TO {old}")
    await connection.execute(f"ALTER SCHEMA {rebuilt} RENAME TO {service}")
    await _take_away(connection, old, role_of(service))
    return old


async def _take_away(connection: asyncpg.Connection, schema: str, role: str) -> None:
    """The role loses the schema and its tables."""
    await connection.execute(f"ALTER SCHEMA {schema} OWNER TO CURRENT_USER")
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", schema)
    for row in rows:
        await connection.execute(f'ALTER TABLE {schema}."{row["tablename"]}" OWNER TO CURRENT_USER')
        await connection.execute(f'REVOKE ALL ON {schema}."{row["tablename"]}" FROM {role}')
    await connection.execute(f"REVOKE ALL ON SCHEMA {schema} FROM {role}")


async def drop_schema(connection: asyncpg.Connection, schema: str) -> None:
    """Drop a schema and all in it."""
    await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
