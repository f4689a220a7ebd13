"""Requests from a process to a server: delayed, lost on the way there or on the way back."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tests.simulation.loop import PROCESS, Process, VirtualLoop

T = TypeVar("T")


class ConnectionLost(Exception):
    """The connection broke before the answer came: whether the request was done is unknown."""


class ProcessGone(BaseException):
    """Raised into what is left of a killed process, so that it can do nothing more."""


@dataclass(slots=True)
class Network:
    """How slow and how lossy the ways are just now; `loss` is a chance per request, 0 to 1."""

    loop: VirtualLoop
    loss: float = 0.0
    slow: float = 0.02

    def delay(self) -> float:
        """Seconds that one way takes: about a millisecond, now and then half a second."""
        chance = self.loop.random.random()
        return 0.5 * self.loop.random.random() if chance < self.slow else 0.0002 + 0.002 * chance

    async def call(self, server: Process, work: Callable[[], Awaitable[T]]) -> T:
        """Have `server` do `work` and wait for its answer.

        Raises:
            ConnectionLost: the request or the answer was lost.
        """
        client = PROCESS.get()
        if not client.alive:
            raise ProcessGone
        reply: asyncio.Future[T] = self.loop.create_future()
        fate = self.loop.random.random()
        request_lost, reply_lost = fate < self.loss / 2, fate > 1 - self.loss / 2

        async def serve() -> None:
            # What a process sent before it was killed may arrive or not.
            if request_lost or (not client.alive and self.loop.random.random() < 0.5):
                self.answer(reply, error=ConnectionLost())
                return
            try:
                result = await work()
            except Exception as error:  # noqa: BLE001  # the client gets it
                self.answer(reply, error=error)
            else:
                self.answer(reply, result=result, error=ConnectionLost() if reply_lost else None)

        self.loop.call_later(self.delay(), self._start, server, serve, context=server.context)
        return await reply

    def _start(self, server: Process, serve: Callable[[], Awaitable[None]]) -> None:
        self.loop.spawn(server, serve())  # pyright: ignore[reportArgumentType]

    def answer(self, reply: "asyncio.Future[T]", *, result: T | None = None, error: Exception | None = None) -> None:
        """Bring an answer on its way."""
        self.loop.call_later(self.delay(), _settle, reply, result, error)


def _settle(reply: "asyncio.Future[T]", result: T, error: Exception | None) -> None:
    if reply.done():
        return
    if error is None:
        reply.set_result(result)
    else:
        reply.set_exception(error)
