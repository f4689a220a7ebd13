"""One suite for PostgreSQL and for its model, through the runtime's own functions and statements."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import sqlstate
from shared.events.base import Fact
from shared.events.intake import SessionVoided
from shared.messaging import inbox, locks, outbox, parking, replay, retention
from shared.messaging.errors import Unavailable
from shared.messaging.message import Message, Position, RawRecord
from shared.messaging.transactions import begin
from tests.simulation.conformance import on_postgres, on_the_model, still_waits
from tests.simulation.postgres.ledger import OFFSETS, TOO_MUCH, Ledger, LedgerStore
from tests.simulation.postgres.statements import names
from tests.simulation.scenario import NOW

CHECKS: list[Callable[[Any], Awaitable[None]]] = []


def check(function: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
    """One check, for both."""
    CHECKS.append(function)
    return function


@pytest.mark.parametrize("one", CHECKS, ids=lambda one: one.__name__)
async def test_on_postgresql(one: Callable[[Any], Awaitable[None]], progress_engine: AsyncEngine) -> None:
    await on_postgres(one, progress_engine)


@pytest.mark.parametrize("one", CHECKS, ids=lambda one: one.__name__)
def test_on_the_model(one: Callable[[Any], Awaitable[None]]) -> None:
    on_the_model(one)


def statement(name: str) -> Any:
    """A statement of the runtime by its name."""
    return text(next(sql for sql, known in names().items() if known == name))


def voided(label: str, patient: str = "p", offset: int = 0) -> Message:
    fact: Fact = SessionVoided(clinic_id="c", patient_id=patient, session_id=label, voided_at=NOW)
    record = RawRecord(Position("session.voided", 0, offset), fact.key.encode(), fact.document, (("x", b"\xff"),))
    return Message(label, "test", fact, position=record.position, record=record)


def leaving(label: str, key: bytes = b"k") -> outbox.Outgoing:
    return outbox.Outgoing("t", key, b"v", b"[]", label, "type")


async def remember(tx: Any, *labels: str) -> list[str]:
    return sorted(label for _, label in await inbox.remember(tx, [voided(label) for label in labels]))


async def offsets(tx: Any) -> dict[tuple[str, int], int]:
    return {(row.topic, row.partition): row.next_offset for row in await tx.execute(OFFSETS)}


async def in_own(engine: Any, work: Callable[[Any], Awaitable[Any]]) -> Any:
    async with begin(engine) as tx:
        return await work(tx)


@asynccontextmanager
async def given_up(engine: Any) -> AsyncGenerator[Any]:
    """A transaction that is rolled back at the end of the block."""
    with suppress(ZeroDivisionError):
        async with begin(engine) as tx:
            yield tx
            raise ZeroDivisionError


@check
async def the_inbox_tells_new_from_known(engine: Any) -> None:
    async with begin(engine) as tx:
        assert await remember(tx, "a", "b") == ["a", "b"]
        assert await remember(tx, "a", "c") == ["c"]
    async with begin(engine) as tx:
        assert await remember(tx, "a", "c", "d") == ["d"]


@check
async def what_is_rolled_back_was_never_there(engine: Any) -> None:
    async with given_up(engine) as tx:
        await remember(tx, "a")
        await outbox.append(tx, [leaving("1")])
        await inbox.advance(tx, [Position("t", 0, 4)])
    async with begin(engine) as tx:
        assert await remember(tx, "a") == ["a"]
        assert (await tx.execute(statement("relay._TAKE"), {"buckets": list(range(64))})).all() == []
        assert await offsets(tx) == {}


@check
async def a_forgotten_event_may_come_again(engine: Any) -> None:
    async with begin(engine) as tx:
        await remember(tx, "a", "b")
        await inbox.forget(tx, [voided("a")])
    async with begin(engine) as tx:
        assert await remember(tx, "a", "b") == ["a"]


@check
async def who_comes_second_waits_and_then_sees_a_repeat(engine: Any) -> None:
    async with begin(engine) as tx:
        await remember(tx, "a")
        second = asyncio.ensure_future(in_own(engine, lambda other: remember(other, "a", "b")))
        assert await still_waits(second)
    assert await second == ["b"]


@check
async def who_comes_second_takes_over_what_was_rolled_back(engine: Any) -> None:
    async with given_up(engine) as tx:
        await remember(tx, "a")
        second = asyncio.ensure_future(in_own(engine, lambda other: remember(other, "a")))
        assert await still_waits(second)
    assert await second == ["a"]


@check
async def applied_offsets_only_grow_and_show_after_the_commit(engine: Any) -> None:
    async with begin(engine) as tx:
        await inbox.advance(tx, [Position("t", 0, 4), Position("t", 0, 2), Position("t", 1, 0)])
        async with begin(engine) as other:
            assert await offsets(other) == {}
    async with begin(engine) as tx:
        await inbox.advance(tx, [Position("t", 0, 1), Position("u", 0, 0)])
    async with begin(engine) as tx:
        assert await offsets(tx) == {("t", 0): 5, ("t", 1): 1, ("u", 0): 1}


@check
async def who_advances_the_same_partition_waits(engine: Any) -> None:
    async with begin(engine) as tx:
        await inbox.advance(tx, [Position("t", 0, 9)])
        second = asyncio.ensure_future(in_own(engine, lambda other: inbox.advance(other, [Position("t", 0, 3)])))
        third = asyncio.ensure_future(in_own(engine, lambda other: inbox.advance(other, [Position("t", 1, 3)])))
        await third
        assert await still_waits(second)
    await second
    async with begin(engine) as tx:
        assert await offsets(tx) == {("t", 0): 10, ("t", 1): 4}


@check
async def a_relay_takes_in_order_and_deletes_what_it_published(engine: Any) -> None:
    async with begin(engine) as tx:
        await outbox.append(tx, [leaving("1"), leaving("2"), leaving("3", b"other")])
    async with begin(engine) as tx:
        assert await tx.scalar(statement("relay._WAITING")) == 1
        rows = (await tx.execute(statement("relay._TAKE"), {"buckets": list(range(64))})).all()
        assert [(row.aggregatetype, row.aggregateid, row.payload) for row in rows] == [
            ("t", b"k", b"v"), ("t", b"k", b"v"), ("t", b"other", b"v")]  # fmt: skip
        assert [row.position for row in rows] == sorted(row.position for row in rows)
        await tx.execute(statement("relay._DONE"), {"positions": [row.position for row in rows[:2]]})
    async with begin(engine) as tx:
        left = (await tx.execute(statement("relay._TAKE"), {"buckets": list(range(64))})).all()
        assert [row.aggregateid for row in left] == [b"other"]
        assert (await tx.execute(statement("relay._TAKE"), {"buckets": []})).all() == []


@check
async def a_lower_position_may_show_later(engine: Any) -> None:
    async def seen() -> list[bytes]:
        async with begin(engine) as tx:
            rows = await tx.execute(statement("relay._TAKE"), {"buckets": list(range(64))})
            return [row.aggregateid for row in rows]

    async with begin(engine) as slow:
        await outbox.append(slow, [leaving("1", b"slow")])
        await in_own(engine, lambda tx: outbox.append(tx, [leaving("2", b"fast")]))
        assert await seen() == [b"fast"]
    assert await seen() == [b"slow", b"fast"]


@check
async def a_relay_owns_its_buckets_until_it_ends(engine: Any) -> None:
    asked = {"last": 63, "lock_class": 5417}
    async with begin(engine) as tx:
        assert sorted(await tx.scalars(statement("relay._OWN_BUCKETS"), asked)) == list(range(64))
        assert len(list(await tx.scalars(statement("relay._OWN_BUCKETS"), asked))) == 64
        async with begin(engine) as other:
            assert list(await other.scalars(statement("relay._OWN_BUCKETS"), asked)) == []
    async with begin(engine) as tx:
        assert len(list(await tx.scalars(statement("relay._OWN_BUCKETS"), asked))) == 64


@check
async def one_process_at_a_time_decides_on_a_key(engine: Any) -> None:
    async with begin(engine) as tx:
        await locks.lock(tx, "progress", ["a", "b"])
        await locks.lock(tx, "progress", ["a"])
        second = asyncio.ensure_future(in_own(engine, lambda other: locks.lock(other, "progress", ["b", "c"])))
        await in_own(engine, lambda other: locks.lock(other, "progress", ["d"]))
        await in_own(engine, lambda other: locks.lock(other, "scheduling", ["a"]))
        assert await still_waits(second)
    await second


@check
async def of_two_that_wait_for_each_other_one_is_told_to_try_again(engine: Any) -> None:
    async def both(first: str, then: str, mine: asyncio.Event, yours: asyncio.Event) -> str:
        try:
            async with begin(engine) as tx:
                await locks.lock(tx, "progress", [first])
                mine.set()
                await yours.wait()
                await locks.lock(tx, "progress", [then])
        except Unavailable as unavailable:
            return str(unavailable)
        return "done"

    one, other = asyncio.Event(), asyncio.Event()
    ends = await asyncio.gather(both("a", "b", one, other), both("b", "a", other, one))
    assert sorted(ends) == ["40P01", "done"]


@check
async def parked_events_keep_their_order_and_block_their_key(engine: Any) -> None:
    first, second, other = voided("1", "p", 1), voided("2", "p", 2), voided("3", "q", 3)
    async with begin(engine) as tx:
        await parking.park(tx, [(first, "broken"), (other, "broken"), (second, parking.BEHIND)])
        await parking.check_limit(tx)
    async with begin(engine) as tx:
        assert await parking.blocked_keys(tx, ["c/p", "c/q", "c/r"]) == {"c/p", "c/q"}
        with pytest.raises(Exception, match="More than 1 events"):
            await parking.check_limit(tx, 1)
    keys = await replay.parked_keys(engine)
    assert [(one.key, one.events, one.reason) for one in keys] == [("c/p", 2, "broken"), ("c/q", 1, "broken")]
    events = await replay.parked_events(engine, "c/p")
    assert [(one.event_id, one.reason) for one in events] == [("1", "broken"), ("2", "behind-parked")]
    assert events[0].record == first.record


@check
async def a_parked_event_is_taken_up_by_one_replay(engine: Any) -> None:
    await in_own(engine, lambda tx: parking.park(tx, [(voided("1"), "broken")]))
    (event,) = await replay.parked_events(engine, "c/p")

    async def take(tx: Any) -> int:
        return (await tx.execute(statement("replay._DONE"), {"position": event.position})).rowcount

    async with begin(engine) as tx:
        assert await take(tx) == 1
        second = asyncio.ensure_future(in_own(engine, take))
        assert await still_waits(second)
    assert await second == 0
    assert await replay.parked_keys(engine) == []


@check
async def a_replay_that_fails_notes_the_new_reason(engine: Any) -> None:
    await in_own(engine, lambda tx: parking.park(tx, [(voided("1"), "broken")]))
    (event,) = await replay.parked_events(engine, "c/p")
    update = statement("replay._FAILED_AGAIN")
    await in_own(engine, lambda tx: tx.execute(update, {"position": event.position, "reason": "still"}))
    assert [one.reason for one in await replay.parked_events(engine, "c/p")] == ["still"]


@check
async def retention_forgets_in_steps_what_is_old(engine: Any) -> None:
    await in_own(engine, lambda tx: remember(tx, "a", "b", "c"))
    await asyncio.sleep(0.01)
    assert await retention.forget_old(engine, retention.KEEP) == 0
    assert await retention.forget_old(engine, retention.KEEP * 0, step=2) == 3
    async with begin(engine) as tx:
        assert await remember(tx, "a") == ["a"]


@check
async def a_state_is_loaded_as_it_was_saved(engine: Any) -> None:
    store, fact = LedgerStore(), voided("1").fact
    async with begin(engine) as tx:
        assert await store.load(tx, [fact]) == {"c/p": Ledger("c/p")}
        await store.save(tx, [(Ledger("c/p"), Ledger("c/p", ("a",), 1))])
        assert await store.load(tx, [fact]) == {"c/p": Ledger("c/p", ("a",), 1)}
    async with begin(engine) as tx:
        await store.save(tx, [(Ledger("c/p"), Ledger("c/p", ("a", "b"), 2))])
    async with begin(engine) as tx:
        assert await store.load(tx, [fact]) == {"c/p": Ledger("c/p", ("a", "b"), 2)}


@check
async def a_row_that_breaks_a_rule_ends_its_transaction(engine: Any) -> None:
    async def break_it(tx: Any) -> None:
        await remember(tx, "a")
        await LedgerStore().save(tx, [(Ledger("c/p"), Ledger("c/p", ("a",), TOO_MUCH))])

    with pytest.raises(DBAPIError) as failed:
        await in_own(engine, break_it)
    assert sqlstate(failed.value) == "23514"
    async with begin(engine) as tx:
        assert await remember(tx, "a") == ["a"]
