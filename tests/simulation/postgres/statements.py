"""What each statement of the runtime means to the model, found by its text in the runtime's modules.

A statement that is new or renamed has no meaning here: the simulation then stops and says so.
"""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import TextClause

import shared.messaging
from shared import database
from tests.simulation.postgres import ledger
from tests.simulation.postgres.server import Backend, Row

_TAKEN = "position bucket aggregatetype aggregateid headers payload"
P = Mapping[str, Any]


@dataclass(slots=True)
class Answer:
    """The rows of a statement, and how many it concerned."""

    rows: list[Row] = field(default_factory=list)
    count: int = 0


Meaning = Callable[[Backend, P], Awaitable[Answer]]
MEANINGS: dict[str, Meaning] = {}


class UnknownStatement(AssertionError):
    """The model does not know a statement of the runtime."""


def means(name: str) -> Callable[[Meaning], Meaning]:
    """Says which statement a function is the meaning of: `<module>.<constant>`."""

    def register(meaning: Meaning) -> Meaning:
        MEANINGS[name] = meaning
        return meaning

    return register


@cache
def names() -> dict[str, str]:
    """The runtime's statements: their names by their text."""
    found = pkgutil.iter_modules(shared.messaging.__path__)
    modules = [importlib.import_module(f"shared.messaging.{module.name}") for module in found]
    modules += [database, ledger]
    return {
        value.text: f"{module.__name__.rsplit('.', 1)[-1]}.{name}"
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, TextClause)
    }


@cache
def by_driver() -> dict[str, tuple[str, tuple[str, ...]]]:
    """The runtime's statements and their parameters, by the text that the driver gets."""
    return {sql: (text, parameters) for text in names() for sql, parameters in [database.for_driver(text)]}


def name_of(statement: str) -> str:
    """What the runtime calls a statement."""
    return names().get(statement, "unnamed")


def meaning_of(statement: str) -> Meaning:
    """What the model does for a statement.

    Raises:
        UnknownStatement: teach it here, and show in the conformance suite that it is right.
    """
    name = name_of(statement)
    if name not in MEANINGS:
        raise UnknownStatement(f"{name} has no meaning in tests/simulation/postgres/statements.py: {statement}")
    return MEANINGS[name]


@means("database._ANY")
async def _any(tx: Backend, p: P) -> Answer:
    return _answer([{"one": 1}])


@means("inbox._REMEMBER")
async def _remember(tx: Backend, p: P) -> Answer:
    repeats: list[Row] = []
    for source, event_id in zip(p["sources"], p["ids"], strict=True):
        key = (source, event_id)
        new_lock = await tx.lock_row("inbox", key)
        row = {"source": source, "event_id": event_id}
        if tx.row("inbox", key) is None:
            tx.write("inbox", key, {**row, "received_at": tx.server.now()})
            continue
        repeats.append(row)
        if new_lock:
            tx.unlock_row("inbox", key)
    return _answer(repeats)


@means("inbox._FORGET")
async def _forget(tx: Backend, p: P) -> Answer:
    return await _delete(tx, "inbox", list(zip(p["sources"], p["ids"], strict=True)))


@means("inbox._APPLIED")
async def _applied(tx: Backend, p: P) -> Answer:
    rows = [row for _, row in tx.rows("applied_offset") if row["topic"] in p["topics"]]
    return _answer(rows, "topic partition next_offset")


@means("inbox._ADVANCE")
async def _advance(tx: Backend, p: P) -> Answer:
    before: list[Row] = []
    for topic, partition, offset in zip(p["topics"], p["partitions"], p["offsets"], strict=True):
        key = (topic, partition)
        await tx.lock_row("applied_offset", key)
        known = (tx.row("applied_offset", key) or {"next_offset": 0})["next_offset"]
        row = {"topic": topic, "partition": partition}
        tx.write("applied_offset", key, {**row, "next_offset": max(offset, known)})
        before.append({**row, "applied": known})
    return _answer(before)


@means("relay._WAITING")
async def _waiting(tx: Backend, p: P) -> Answer:
    return _answer([{"one": 1} for _ in tx.rows("outbox")][:1])


@means("relay._OWN_BUCKETS")
async def _own_buckets(tx: Backend, p: P) -> Answer:
    buckets = range(p["last"] + 1)
    return _answer([{"bucket": b} for b in buckets if tx.server.locks.try_acquire(tx, (p["lock_class"], b))])


@means("relay._TAKE")
async def _take(tx: Backend, p: P) -> Answer:
    rows = sorted((row for _, row in tx.rows("outbox") if row["bucket"] in p["buckets"]), key=_position)
    return _answer(rows[:1000], _TAKEN)


@means("relay._TAKE_OTHERS")
async def _take_others(tx: Backend, p: P) -> Answer:
    taken = [row for row in (await _take(tx, p)).rows if row["aggregatetype"] not in p["topics"]]
    return _answer([row for row in taken if f"{row['aggregatetype']}/{row['bucket']}" not in p["places"]], _TAKEN)


@means("relay._DONE")
async def _done(tx: Backend, p: P) -> Answer:
    return await _delete(tx, "outbox", p["positions"])


@means("locks._LOCK")
async def _lock(tx: Backend, p: P) -> Answer:
    for stripe in p["stripes"]:
        await tx.lock((p["lock_class"], stripe))
    return _answer([{"count": len(p["stripes"])}])


@means("parking._BLOCKED")
async def _blocked(tx: Backend, p: P) -> Answer:
    keys = sorted({row["key"] for _, row in tx.rows("parked")} & set(p["keys"]))
    return _answer([{"key": key} for key in keys])


@means("parking._FAILED_LATELY")
async def _failed_lately(tx: Backend, p: P) -> Answer:
    failed = [
        row
        for _, row in tx.rows("parked")
        if row["reason"] != p["behind"]
        and not row["reason"].startswith(p["newer"])
        and (tx.server.now() - row["parked_at"]).total_seconds() < 600
    ]
    return _answer([{"count": len(failed)}])


@means("parking._PARK")
async def _park(tx: Backend, p: P) -> Answer:
    row = {name if name != "offset" else "record_offset": value for name, value in p.items()}
    tx.insert("parked", {**row, "parked_at": tx.server.now()})
    return Answer(count=1)


@means("replay._KEYS")
async def _keys(tx: Backend, p: P) -> Answer:
    by_key: dict[str, list[Row]] = {}
    for _, row in tx.rows("parked"):
        by_key.setdefault(row["key"], []).append(row)
    firsts = {key: min(rows, key=_position) for key, rows in by_key.items()}
    sizes = {key: sum(len(row["value"] or b"") for row in rows) for key, rows in by_key.items()}
    rows = [{**firsts[key], "events": len(by_key[key]), "size": sizes[key]} for key in sorted(by_key)]
    return _answer(rows, "key topic reason event_id headers parked_at events size")


@means("replay._EVENTS")
async def _events(tx: Backend, p: P) -> Answer:
    rows = sorted((row for _, row in tx.rows("parked") if row["key"] == p["key"]), key=_position)
    columns = "position topic partition record_offset event_id record_key headers value reason parked_at"
    return _answer(rows[: p["most"]], columns)


@means("replay._DONE")
async def _replayed(tx: Backend, p: P) -> Answer:
    return await _delete(tx, "parked", [p["position"]])


@means("replay._FAILED_AGAIN")
async def _failed_again(tx: Backend, p: P) -> Answer:
    new_lock = await tx.lock_row("parked", p["position"])
    row = tx.row("parked", p["position"])
    if row is None:
        if new_lock:
            tx.unlock_row("parked", p["position"])
        return Answer()
    tx.write("parked", p["position"], {**row, "reason": p["reason"]})
    return Answer(count=1)


@means("retention._REMOVE")
async def _remove(tx: Backend, p: P) -> Answer:
    old = [key for key, row in tx.rows("inbox") if tx.server.now() - row["received_at"] > p["keep"]]
    return await _delete(tx, "inbox", old[: p["step"]])


@means("ledger.OFFSETS")
async def _offsets(tx: Backend, p: P) -> Answer:
    rows = sorted((row for _, row in tx.rows("applied_offset")), key=lambda row: (row["topic"], row["partition"]))
    return _answer(rows, "topic partition next_offset")


@means("ledger.LOAD")
async def _load(tx: Backend, p: P) -> Answer:
    return _answer([row for key in p["keys"] if (row := tx.row("ledger", key))], "key applied total")


@means("ledger.SAVE")
async def _save(tx: Backend, p: P) -> Answer:
    ledger.check(p)
    await tx.lock_row("ledger", p["key"])
    tx.write("ledger", p["key"], dict(p))
    return Answer(count=1)


async def _delete(tx: Backend, table: str, keys: Any) -> Answer:
    """Of the rows that the statement sees, those that are still there when their turn comes."""
    seen = [key for key in keys if tx.row(table, key) is not None]
    deleted = 0
    for key in seen:
        new_lock = await tx.lock_row(table, key)
        if tx.row(table, key) is not None:
            tx.write(table, key, None)
            deleted += 1
        elif new_lock:
            tx.unlock_row(table, key)
    return Answer(count=deleted)


def _answer(rows: list[Row], columns: str = "") -> Answer:
    """Rows with their columns in the statement's order."""
    names_ = columns.split()
    return Answer([{name: row[name] for name in names_} for row in rows] if names_ else rows, len(rows))


def _position(row: Row) -> int:
    return row["position"]
