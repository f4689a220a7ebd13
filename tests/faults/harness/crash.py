"""Crash points: the process kills itself exactly where it is told, at the n-th passage.

They hang on the libraries below the runtime (asyncpg, aiokafka), not on its own code, so that they
stay true when the runtime is rewritten. Whose commit it is, the door's or the relay's, is told by
the task: everything under `Relay.run` is the relay's, everything under `Door.admit` the door's.
"""

import asyncio
import functools
import os
import signal
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from asyncpg.transaction import Transaction

from shared.messaging.door import Door
from shared.messaging.relay import Relay
from tests.faults.harness import service
from tests.faults.harness.store import LedgerStore

POINTS = {
    "deciding": "in the handler",
    "saved": "state written, not committed",
    "before-commit": "all written, COMMIT not sent",
    "inside-commit": "COMMIT sent, no answer read",
    "after-commit": "committed, offset not yet handed to Kafka",
    "before-offset": "offset commit not sent",
    "inside-offset": "offset commit sent, no answer read",
    "after-offset": "offset committed",
    "relay-send": "about to hand a batch of records to the producer",
    "relay-acked": "Kafka's ack has come, rows not yet marked",
    "relay-before-mark": "rows marked, COMMIT not sent",
    "relay-inside-mark": "rows marked, COMMIT sent, no answer read",
    "relay-after-mark": "rows marked and committed",
}
"""Where a replica can be made to die, and what that means."""

_STEPS_TO_SOCKET = 3
Call = Callable[..., Awaitable[Any]]
_doing: ContextVar[str] = ContextVar("doing", default="")


def install(spec: str) -> None:
    """Arm `point:n`: die at the n-th passage, from 1; `point:n:SIGSTOP` freezes there instead.

    An empty `spec` arms nothing.

    Raises:
        ValueError: there is no such point.
    """
    if not spec:
        return
    point, passage, *named = spec.split(":")
    if point not in POINTS:
        raise ValueError(f"No crash point {point}; there are {', '.join(POINTS)}.")
    _Trap(point, int(passage), signal.Signals[named[0]] if named else signal.SIGKILL).arm()


class _Trap:
    def __init__(self, point: str, passage: int, fate: signal.Signals) -> None:
        self._point = point
        self._left = passage
        self._fate = fate
        self._acked = False

    def passes(self, point: str) -> bool:
        """Whether this is where and when to die."""
        if point != self._point:
            return False
        self._left -= 1
        return self._left == 0

    def here(self, point: str) -> None:
        """Passing `point`: it may be the end."""
        if self.passes(point):
            self._end()

    def _end(self) -> None:
        os.kill(os.getpid(), self._fate)

    def arm(self) -> None:
        """Hang on what the runtime calls."""
        _within(Door, "admit", "door")
        _within(Relay, "run", "relay")
        _wrap(Transaction, "commit", self._at_commit)
        _wrap(AIOKafkaConsumer, "commit", self._at_offset)
        _wrap(AIOKafkaProducer, "send_batch", self._at_send)
        _wrap(LedgerStore, "save", self._at_save)
        service.deciding = lambda: self.here("deciding")

    async def _at_commit(self, call: Call) -> Any:
        if _doing.get() == "door":
            return await self._around(call, "before-commit", "inside-commit", "after-commit")
        if _doing.get() == "relay" and self._acked:
            self._acked = False
            return await self._around(call, "relay-before-mark", "relay-inside-mark", "relay-after-mark")
        return await call()

    async def _at_offset(self, call: Call) -> Any:
        return await self._around(call, "before-offset", "inside-offset", "after-offset")

    async def _around(self, call: Call, before: str, inside: str, after: str) -> Any:
        self.here(before)
        if self.passes(inside):
            # Its first steps write to the socket; the answer is not read before we die.
            calling = asyncio.ensure_future(call())
            for _ in range(_STEPS_TO_SOCKET):
                await asyncio.sleep(0)
            self._end()
            return await calling
        result = await call()
        self.here(after)
        return result

    async def _at_send(self, call: Call) -> Any:
        self.here("relay-send")
        sent = await call()
        sent.add_done_callback(self._at_ack)
        return sent

    def _at_ack(self, sent: "asyncio.Future[Any]") -> None:
        if not sent.cancelled() and sent.exception() is None:
            self._acked = True
            self.here("relay-acked")

    async def _at_save(self, call: Call) -> Any:
        result = await call()
        self.here("saved")
        return result


def _within(owner: type, name: str, doing: str) -> None:
    async def marked(call: Call) -> Any:
        token = _doing.set(doing)
        try:
            return await call()
        finally:
            _doing.reset(token)

    _wrap(owner, name, marked)


def _wrap(owner: type, name: str, around: Callable[[Call], Awaitable[Any]]) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        return await around(functools.partial(original, *args, **kwargs))

    setattr(owner, name, wrapped)
