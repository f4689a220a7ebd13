"""Exclusive locks until the end of a transaction, with PostgreSQL's way out of a deadlock."""

import asyncio
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any


class Deadlock(Exception):
    """This request would have closed a circle of waiting transactions."""

    sqlstate = "40P01"


class Abandoned(Exception):
    """The transaction ended while it waited for a lock."""


@dataclass(slots=True)
class _Lock:
    owner: object
    waiting: "deque[tuple[object, asyncio.Future[None]]]" = field(default_factory=deque)


class Locks:
    """Who holds which lock, and who waits for it, first come first served."""

    def __init__(self) -> None:
        self._locks: dict[Hashable, _Lock] = {}
        self._held: dict[object, list[Hashable]] = {}
        self._waits_for: dict[object, Hashable] = {}

    async def acquire(self, owner: object, name: Hashable) -> None:
        """Wait until `owner` holds `name`; at once if it does already.

        Raises:
            Deadlock: somebody waits for `owner` who would have to go first.
            Abandoned: the transaction was ended meanwhile.
        """
        if self.try_acquire(owner, name):
            return
        self._refuse_circle(owner, name)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._locks[name].waiting.append((owner, turn))
        self._waits_for[owner] = name
        await turn

    def try_acquire(self, owner: object, name: Hashable) -> bool:
        """Take `name` if nobody else holds it."""
        lock = self._locks.get(name)
        if lock is None:
            self._give(owner, name, _Lock(owner))
            return True
        return lock.owner is owner

    def release(self, owner: object, name: Hashable) -> None:
        """Give up one lock before the transaction ends (a row that turned out to be settled)."""
        self._held[owner].remove(name)
        self._hand_over(name)

    def release_all(self, owner: object) -> None:
        """At the end of a transaction; it waits for nothing any more either."""
        awaited = self._waits_for.pop(owner, None)
        if awaited is not None:
            for waiter, turn in self._locks[awaited].waiting:
                if waiter is owner and not turn.done():
                    turn.set_exception(Abandoned())
        for name in self._held.pop(owner, []):
            self._hand_over(name)

    def _refuse_circle(self, owner: object, name: Hashable) -> None:
        behind: Any = self._locks[name].owner
        while (awaited := self._waits_for.get(behind)) is not None:
            behind = self._locks[awaited].owner
            if behind is owner:
                raise Deadlock

    def _give(self, owner: object, name: Hashable, lock: _Lock) -> None:
        lock.owner = owner
        self._locks[name] = lock
        self._held.setdefault(owner, []).append(name)

    def _hand_over(self, name: Hashable) -> None:
        lock = self._locks.pop(name)
        while lock.waiting:
            owner, turn = lock.waiting.popleft()
            if turn.done():
                continue
            self._waits_for.pop(owner, None)
            self._give(owner, name, lock)
            turn.set_result(None)
            return
