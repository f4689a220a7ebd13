"""Statements for many rows at once, made from the tables: arrays go in, so a batch is one statement."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, TextClause, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.asyncpg import dialect

_POSTGRES = dialect()


def load_all(table: Table) -> TextClause:
    """The rows of the patients `:clinics`, `:patients` (two arrays), columns in the table's order, JSON as text."""
    columns = ", ".join(f"{c.name}::text" if isinstance(c.type, JSONB) else c.name for c in table.columns)
    return text(
        f"SELECT {columns} FROM {table.name} JOIN "  # noqa: S608  # names come from tables.py
        "unnest(CAST(:clinics AS text[]), CAST(:patients AS text[])) AS wanted (clinic_id, patient_id) "
        "USING (clinic_id, patient_id)"
    )


def upsert(table: Table) -> TextClause:
    """Insert rows, or replace those with the same key; one array per column, named as the column."""
    columns = [column.name for column in table.columns]
    keys = [column.name for column in table.primary_key]
    arrays = ", ".join(f"CAST(:{column.name} AS {column.type.compile(_POSTGRES)}[])" for column in table.columns)
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in keys)
    return text(
        f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT * FROM unnest({arrays}) "  # noqa: S608  # as above
        f"ON CONFLICT ({', '.join(keys)}) DO {f'UPDATE SET {changes}' if changes else 'NOTHING'}"
    )


def arrays(table: Table, rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    """`rows` turned into one array per column."""
    columns = zip(*rows, strict=True)
    return {column.name: list(values) for column, values in zip(table.columns, columns, strict=True)}
