"""The simulation finds what it is there to find: each broken part shows within some seeds, by its letter."""

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from shared.messaging import inbox, parking
from shared.messaging.consumer import Consumer
from shared.messaging.message import Message
from tests.simulation.explore import seeds
from tests.simulation.postgres.server import Backend, Row
from tests.simulation.postgres.statements import MEANINGS, Answer

WITHIN = 150


def letters() -> str:
    """The broken promises of the first seed that fails, by their letters."""
    for run in seeds(0, WITHIN):
        if run.faults:
            return "".join(sorted({fault[0] for fault in run.faults}))
    return ""


async def _all_are_new(_: object, messages: Iterable[Message]) -> set[tuple[str, str]]:
    return {(message.source, message.event_id) for message in messages}


async def _nobody_is_blocked(_: object, __: object) -> set[str]:
    return set()


async def _nothing_was_read(_: Backend, __: object) -> Answer:
    return Answer()


async def _every_bucket(_: Backend, p: Any) -> Answer:
    return Answer([{"bucket": bucket} for bucket in range(p["last"] + 1)], p["last"] + 1)


async def _skip_locked(tx: Backend, p: Any) -> Answer:
    """`FOR UPDATE SKIP LOCKED`: rows that another relay has in hand are passed over."""
    rows = sorted((row for _, row in tx.rows("outbox")), key=lambda row: row["position"])
    mine: list[Row] = [row for row in rows if tx.server.locks.try_acquire(tx, ("outbox", row["position"]))]
    columns = ("position", "bucket", "aggregatetype", "aggregateid", "headers", "payload")
    return Answer([{name: row[name] for name in columns} for row in mine[:2]], len(mine[:2]))


async def _acknowledge_first(self: Any, records: Any, message: Any) -> None:
    """As a consumer with auto-commit: a batch that then fails is not delivered again."""
    async with self._busy:
        await self._acknowledge(message)
        await self._door.admit(self._read(records))


@contextmanager
def _deaf_inbox() -> Generator[None]:
    with patch.object(inbox, "remember", _all_are_new):
        yield


@contextmanager
def _forgotten_offsets() -> Generator[None]:
    with patch.dict(MEANINGS, {"inbox._APPLIED": _nothing_was_read, "inbox._ADVANCE": _nothing_was_read}):
        yield


@contextmanager
def _blind_parking() -> Generator[None]:
    with patch.object(parking, "blocked_keys", _nobody_is_blocked):
        yield


@contextmanager
def _relays_without_buckets() -> Generator[None]:
    with patch.dict(MEANINGS, {"relay._OWN_BUCKETS": _every_bucket, "relay._TAKE": _skip_locked}):
        yield


@contextmanager
def _acknowledged_before_the_commit() -> Generator[None]:
    with patch.object(Consumer, "_take", _acknowledge_first):
        yield


@pytest.mark.parametrize(
    ("broken", "letter"),
    [
        (_deaf_inbox, "O"),
        (_forgotten_offsets, "O"),
        (_blind_parking, "S"),
        (_relays_without_buckets, "S"),
        (_acknowledged_before_the_commit, "L"),
    ],
)
def test_what_is_broken_is_found(broken: Callable[[], Any], letter: str) -> None:
    with broken():
        assert letter in letters()
