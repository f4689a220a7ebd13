"""The simulated processes that run the runtime: members of the service, and replays."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from shared.events.base import Fact
from shared.messaging import replay, retention
from shared.messaging.consumer import Consumer
from shared.messaging.door import Door
from shared.messaging.errors import Stuck, TooManyFailures, Unavailable
from shared.messaging.message import Handler
from shared.messaging.relay import Relay
from tests.simulation.loop import PROCESS, Process, VirtualLoop
from tests.simulation.postgres.engine import Engine
from tests.simulation.postgres.ledger import FAULTY, MENDED, LedgerStore
from tests.simulation.postgres.server import Server

SERVICE = "progress"
_EXPECTED = (Unavailable, TooManyFailures, Stuck, asyncio.CancelledError)


class SimulatedClock:
    """The server's time of day."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def now(self) -> datetime:
        return self._server.now()


class Member:
    """One process of the service, put together as `shared/messaging/service.py` does, without HTTP's sockets."""

    def __init__(self, loop: VirtualLoop, process: Process, engine: Engine, server: Server) -> None:
        self.process = process
        self.door: Door | None = None
        self._loop = loop
        self._engine: Any = engine
        self._server = server
        self._stop = asyncio.Event()
        self.running = loop.spawn(process, self._serve())

    def ask_to_stop(self) -> None:
        """As SIGTERM."""
        self._stop.set()

    async def _serve(self) -> None:
        relay = Relay(self._engine, "simulated")
        self.door = _door(self._engine, self._server, relay, FAULTY)
        consumer = Consumer("simulated", self.door)
        try:
            await consumer.start()
            await self._until_stopped([relay.run(), consumer.run(), retention.run(self._engine)])
        finally:
            await consumer.stop()

    async def _until_stopped(self, parts: list[Any]) -> None:
        tasks: list[asyncio.Task[Any]] = [asyncio.ensure_future(part) for part in parts]
        stopping = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                self._look_at(task)
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)

    def _look_at(self, task: "asyncio.Task[Any]") -> None:
        error = task.exception()
        self._loop.note(f"a part ended: {error!r}")
        if not isinstance(error, _EXPECTED):
            self._loop.surprises.append(f"{PROCESS.get().name}: {error!r}")


async def replay_everything(engine: Any, server: Server) -> None:
    """As `stride dlq replay` of a release that can deal with every event; tries again while PostgreSQL is away."""
    door = _door(engine, server, Relay(engine, "simulated"), MENDED)
    while True:
        try:
            for parked in await replay.parked_keys(engine):
                await replay.replay_key(door, parked.key)
        except Unavailable:
            await asyncio.sleep(0.5)
        else:
            return


def _door(engine: Any, server: Server, relay: Relay, handlers: Mapping[type[Fact], Handler]) -> Door:
    return Door(SERVICE, handlers, LedgerStore(), engine, SimulatedClock(server), relay)
