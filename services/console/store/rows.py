"""Many rows in one statement."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import fetch


async def run(tx: AsyncConnection, statement: TextClause, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """One statement for all rows, sorted so that two processes that write some of the same can't deadlock.

    The statement takes each of `names` as an array; a row's first three values tell rows apart.
    """
    if rows:
        columns = zip(*sorted(rows, key=lambda row: tuple(row[:3])), strict=True)
        await fetch(tx, statement, dict(zip(names, map(list, columns), strict=True)))
