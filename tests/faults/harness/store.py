"""The ledger's tables. `effect` has no unique constraint: what is applied twice shall be seen."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events.base import Fact
from tests.faults.harness.service import Account, Sent

TABLES = (
    "CREATE TABLE account (key text PRIMARY KEY, effects int NOT NULL)",
    """CREATE TABLE effect (
        position bigint GENERATED ALWAYS AS IDENTITY, key text NOT NULL, number int NOT NULL, nth int NOT NULL)""",
)
_LOAD = text("SELECT key, effects FROM account WHERE key = ANY(:keys)")
_SAVE = text("""
    INSERT INTO account SELECT * FROM unnest(CAST(:keys AS text[]), CAST(:effects AS int[]))
    ON CONFLICT (key) DO UPDATE SET effects = excluded.effects
""")
_APPEND = text("""
    INSERT INTO effect (key, number, nth)
    SELECT * FROM unnest(CAST(:keys AS text[]), CAST(:numbers AS int[]), CAST(:nths AS int[]))
""")


class LedgerStore:
    """Loads and saves accounts, many at a time."""

    def key(self, fact: Fact) -> str:
        return fact.key

    async def load(self, tx: AsyncConnection, facts: Sequence[Fact]) -> Mapping[str, Account]:
        for fact in facts:
            if isinstance(fact, Sent) and fact.do == "dawdle":
                await asyncio.sleep(fact.seconds)
        keys = sorted({fact.key for fact in facts})
        known = {row.key: Account(row.key, row.effects) for row in await tx.execute(_LOAD, {"keys": keys})}
        return {key: known.get(key, Account(key)) for key in keys}

    async def save(self, tx: AsyncConnection, changes: Sequence[tuple[Any, Any]]) -> None:
        accounts: list[Account] = [after for _, after in changes if after.added]
        if not accounts:
            return
        await tx.execute(_SAVE, {"keys": [a.key for a in accounts], "effects": [a.effects for a in accounts]})
        rows = [
            (account.key, fact.number, account.effects - len(account.added) + place)
            for account in accounts
            for place, fact in enumerate(account.added, start=1)
        ]
        keys, numbers, nths = zip(*rows, strict=True)
        await tx.execute(_APPEND, {"keys": list(keys), "numbers": list(numbers), "nths": list(nths)})
