"""Two schemas of one service, table by table: which rows are not the same. Keys are told, never contents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from shared.rebuild.read_back import PARKED, RUNTIME_TABLES, Compared

_NAMED = 20


@dataclass(frozen=True, slots=True)
class Difference:
    """How one table differs: rows that only one side has, and rows that say something else."""

    table: str
    rows: int
    """In the running table."""
    only_running: int = 0
    only_rebuilt: int = 0
    different: int = 0
    examples: Sequence[Mapping[str, Any]] = field(default_factory=tuple[Mapping[str, Any], ...])
    """Keys and, where both have the row, the names of the columns that differ."""

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.only_running or self.only_rebuilt or self.different)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        counts = {name: getattr(self, name) for name in ("rows", "only_running", "only_rebuilt", "different")}
        return {"table": self.table, **counts, "examples": list(self.examples)}


@dataclass(frozen=True, slots=True)
class _Table:
    """One table as SQL."""

    name: str
    key: Sequence[str]
    columns: Mapping[str, bool]
    """The others, each with whether its `json` keeps its writer's blanks."""
    how: Compared
    now: str

    def rows_of(self, schema: str) -> str:
        """A query for what counts of its rows in `schema`, as text."""
        values = ", ".join(f'{self._value(name, schema)} AS "{name}"' for name in (*self.key, *self.columns))
        return f'SELECT {values} FROM {schema}."{self.name}" AS t WHERE {self._counts()}'  # noqa: S608

    def _counts(self) -> str:
        return self.how.where.format(now=f"'{self.now}'::timestamptz")

    def _value(self, name: str, schema: str) -> str:
        if name in self.how.instead:
            return f"CAST(({self.how.instead[name].format(schema=schema)}) AS text)"
        return f'CAST(CAST(t."{name}" AS jsonb) AS text)' if self.columns.get(name) else f'CAST(t."{name}" AS text)'


async def compare_schemas(
    connection: asyncpg.Connection, running: str, rebuilt: str, compared: Mapping[str, Compared], now: datetime
) -> list[Difference]:
    """Every table of the service's own, and what is parked; `compared` says how where that needs saying."""
    tables = await _tables(connection, running, compared, now.isoformat())
    return [await _difference(connection, table, running, rebuilt) for table in tables]


async def rows_of(
    connection: asyncpg.Connection, schema: str, compared: Mapping[str, Compared]
) -> dict[str, list[dict[str, str | None]]]:
    """What a comparison looks at: the rows of every table that counts, without what does not."""
    tables = await _tables(connection, schema, compared, "-infinity")
    return {table.name: [dict(row) for row in await connection.fetch(table.rows_of(schema))] for table in tables}


async def _tables(
    connection: asyncpg.Connection, schema: str, compared: Mapping[str, Compared], now: str
) -> list[_Table]:
    names = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = $1 AND tablename <> ALL($2) ORDER BY 1",
        schema,
        sorted(RUNTIME_TABLES),
    )
    known = {"parked": PARKED, **compared}
    return [await _table(connection, schema, n, known.get(n, Compared()), now) for (n,) in names]


async def _table(connection: asyncpg.Connection, schema: str, name: str, how: Compared, now: str) -> _Table:
    described = await connection.fetch(
        "SELECT attname AS name, format_type(atttypid, NULL) = 'json' AS loose FROM pg_attribute "
        "WHERE attrelid = format('%I.%I', $1::text, $2::text)::regclass AND attnum > 0 AND NOT attisdropped",
        schema,
        name,
    )
    key = how.key or await _primary_key(connection, schema, name)
    columns = {row["name"]: row["loose"] for row in described if row["name"] not in (*how.left_out, *key)}
    return _Table(name, key, columns, how, now)


async def _difference(connection: asyncpg.Connection, table: _Table, running: str, rebuilt: str) -> Difference:
    joined = _joined(table, running, rebuilt)
    counts = {row["side"]: row["count"] for row in await connection.fetch(f"SELECT side, count(*) {joined} GROUP BY 1")}
    rows: Any = await connection.fetchval(f"SELECT count(*) FROM ({table.rows_of(running)}) AS rows")  # noqa: S608
    if not counts:
        return Difference(table.name, rows)
    key = ", ".join(f'"{name}"' for name in table.key)
    found = await connection.fetch(f"SELECT side, columns, {key} {joined} ORDER BY {key} LIMIT {_NAMED}")
    return Difference(table.name, rows, **counts, examples=[_example(row, table.key) for row in found])


def _example(row: Any, key: Sequence[str]) -> dict[str, Any]:
    columns = {"columns": row["columns"]} if row["side"] == "different" else {}
    return {"side": row["side"], "key": {name: row[name] for name in key}, **columns}


async def _primary_key(connection: asyncpg.Connection, schema: str, table: str) -> tuple[str, ...]:
    rows = await connection.fetch(
        "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY(indkey) "
        "WHERE indrelid = format('%I.%I', $1::text, $2::text)::regclass AND indisprimary ORDER BY attnum",
        schema,
        table,
    )
    return tuple(row["attname"] for row in rows)


def _joined(table: _Table, running: str, rebuilt: str) -> str:
    """The rows that are not the same on both sides, each with its key and the columns that differ."""
    key = ", ".join(f'"{name}"' for name in table.key)
    differing = ", ".join(
        f'CASE WHEN a."{name}" IS DISTINCT FROM b."{name}" THEN \'{name}\' END' for name in table.columns
    )
    some = " OR ".join(f'a."{name}" IS DISTINCT FROM b."{name}"' for name in table.columns) or "false"
    return f"""
        FROM (
            SELECT {key}, array_remove(ARRAY[{differing}]::text[], NULL) AS columns,
                CASE WHEN b.there IS NULL THEN 'only_running' WHEN a.there IS NULL THEN 'only_rebuilt'
                    ELSE 'different' END AS side
            FROM (SELECT true AS there, * FROM ({table.rows_of(running)}) AS one) AS a
            FULL JOIN (SELECT true AS there, * FROM ({table.rows_of(rebuilt)}) AS one) AS b USING ({key})
            WHERE a.there IS NULL OR b.there IS NULL OR {some}) AS found
    """  # noqa: S608
