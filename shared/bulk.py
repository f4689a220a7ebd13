"""Statements for many rows at once, made from tables: arrays go in, so a batch is one statement."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Column, Table, TextClause, text
from sqlalchemy.dialects.postgresql.asyncpg import dialect

_POSTGRES = dialect()


def upsert(table: Table) -> TextClause:
    """Insert rows, or replace those with the same key; one array per column, named as the column."""
    columns = [column.name for column in table.columns]
    keys = [column.name for column in table.primary_key]
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in keys)
    return text(
        f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT * FROM {unnest(table.columns)} "  # noqa: S608  # names come from tables.py
        f"ON CONFLICT ({', '.join(keys)}) DO {f'UPDATE SET {changes}' if changes else 'NOTHING'}"
    )


def unnest(columns: Iterable[Column[Any]]) -> str:
    """The rows that arrays hold, one per column and named as it."""
    arrays = ", ".join(f"CAST(:{column.name} AS {column.type.compile(_POSTGRES)}[])" for column in columns)
    return f"unnest({arrays})"


def arrays(columns: Iterable[Column[Any]], rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    """`rows`, their values in the order of `columns`, turned into one array per column."""
    turned = zip(*rows, strict=True)
    return {column.name: list(values) for column, values in zip(columns, turned, strict=True)}
