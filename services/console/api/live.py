"""What changed, told to open pages at once: PostgreSQL's notifications, passed on as server-sent events.

The store notifies in the transaction that saves, so whatever process applied a fact, and whichever holds the
stream, pages hear of it when it is committed. A stream tells names of what changed, never contents.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import StreamingResponse

from services.console.store.changes import CHANNEL
from shared.messaging.service import Running
from shared.telemetry import log
from shared.tokens import NotAuthenticated

if TYPE_CHECKING:
    from collections.abc import Generator

    from services.console.api.desk import Desk

_TOGETHER_SECONDS: Final = 0.2
"""Changes within so long are told at once: a page that is hit by many redraws a few times a second at most."""
_BEAT_SECONDS: Final = 15
_AGAIN_SECONDS: Final = 1.0
_MOST_WAITING: Final = 500
ALL: Final = "all"
"""Told when something may have been missed."""


class Stream:
    """What one browser has not been told yet."""

    def __init__(self, clinic_id: str) -> None:
        self.clinic_id = clinic_id
        # Something may have changed since the page was made, or while the browser had no stream.
        self.waiting: set[str] = {ALL}
        self.woken = asyncio.Event()
        self.woken.set()

    def add(self, names: set[str]) -> None:
        """Wake it with more; more than it can hold is everything."""
        self.waiting |= names
        if len(self.waiting) > _MOST_WAITING:
            self.waiting = {ALL}
        self.woken.set()

    def take(self) -> list[str]:
        """What waits."""
        names, self.waiting = sorted(self.waiting), set()
        self.woken.clear()
        return names


class Live:
    """Listens while anybody watches."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._streams: set[Stream] = set()
        self._tasks: list[asyncio.Task[None]] = []

    @contextmanager
    def watching(self, clinic_id: str) -> "Generator[Stream]":
        """A stream of the clinic's changes."""
        stream = Stream(clinic_id)
        self._streams.add(stream)
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._stop())]
        try:
            yield stream
        finally:
            self._streams.discard(stream)
            if not self._streams:
                for task in self._tasks:
                    task.cancel()
                self._tasks = []

    async def _stop(self) -> None:
        """Streams end with the service: nobody waits for them."""
        await self._running.stopping.wait()
        for stream in self._streams:
            stream.woken.set()

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (OSError, SQLAlchemyError) as error:
                log().warning("live-lost", error_type=type(error).__name__)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _listen_once(self) -> None:
        """Until the connection is lost; what was missed before it stood is told as everything."""
        async with self._running.engine.connect() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            lost = asyncio.Event()
            raw.add_termination_listener(lambda *_: lost.set())  # pyright: ignore[reportUnknownLambdaType]
            await raw.add_listener(CHANNEL, self._heard)
            for stream in self._streams:
                stream.add({ALL})
            try:
                await lost.wait()
            finally:
                with suppress(Exception):
                    await raw.remove_listener(CHANNEL, self._heard)

    def _heard(self, *heard: Any) -> None:
        clinic_id, _, names = str(heard[-1]).partition(" ")
        for stream in self._streams:
            if stream.clinic_id == clinic_id:
                stream.add(set(names.split()))


def add_routes(desk: "Desk", app: FastAPI) -> None:
    """The stream."""

    @app.get("/live", include_in_schema=False)
    async def live(request: Request) -> StreamingResponse:
        async with desk.running.door.work() as work:
            session = await desk.session(request, work, awake=False)
        if session is None:
            raise NotAuthenticated
        told = _told(desk, request, session.person.clinic_id)
        return StreamingResponse(told, media_type="text/event-stream", headers={"x-accel-buffering": "no"})


async def _told(desk: "Desk", request: Request, clinic_id: str) -> AsyncGenerator[str]:
    yield "retry: 2000\n\n"
    stopping = desk.running.stopping
    with desk.live.watching(clinic_id) as stream:
        while not stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_BEAT_SECONDS):
                    await stream.woken.wait()
            if names := stream.take():
                yield f"event: changed\ndata: {' '.join(names)}\n\n"
                await asyncio.sleep(_TOGETHER_SECONDS)
            elif await _over(desk, request):
                yield "event: over\ndata:\n\n"
                return
            else:
                yield ": beat\n\n"


async def _over(desk: "Desk", request: Request) -> bool:
    """Whether the session has ended meanwhile."""
    async with desk.running.door.work() as work:
        return await desk.session(request, work, awake=False) is None
