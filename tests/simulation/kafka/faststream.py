"""FastStream's broker and batch subscriber: the same loop over `getmany`, the same way to stop."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import chain
from typing import Any

from aiokafka.errors import ConsumerStoppedError

from tests.simulation.kafka.broker import Broker
from tests.simulation.kafka.consumer import Consumer

_IDLE_SECONDS = 60.0
_Step = Callable[..., Awaitable[Any]]


class Subscriber:
    """Hands whole batches to its handler, one at a time; a handler's exception is swallowed, as there."""

    def __init__(self, broker: Broker, topics: tuple[str, ...], options: dict[str, Any]) -> None:
        self.consumer: Consumer | None = None
        self._broker = broker
        self._topics = topics
        self._options = options
        self._running = False
        self._busy = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None
        self._handlers: tuple[_Step, _Step, _Step]

    def __call__(self, handler: _Step, *, parser: _Step, decoder: _Step) -> None:
        """Register the handler."""
        self._handlers = (parser, decoder, handler)

    async def start(self) -> None:
        """Join the group and begin to read."""
        self.consumer = Consumer(self._broker, self._topics, self._options)
        self._running = True
        await self.consumer.start()
        self._reading = asyncio.ensure_future(self._read(self.consumer))
        self._reading.add_done_callback(self._look_at)

    async def stop(self, graceful_seconds: float) -> None:
        """No new batch, the one at hand to its end, then leave the group."""
        self._running = False
        with suppress(TimeoutError):
            async with asyncio.timeout(graceful_seconds), self._busy:
                pass
        if self._reading:
            self._reading.cancel()
        if self.consumer:
            await self.consumer.stop()

    async def _read(self, consumer: Consumer) -> None:
        while self._running:
            try:
                # Polling every 15 ms would change nothing but the length of the schedule.
                batches = await consumer.getmany(timeout_ms=_IDLE_SECONDS * 1000, max_records=self._broker.batch)
            except ConsumerStoppedError:
                return
            if batches and self._running:
                async with self._busy:
                    await self._consume(tuple(chain(*batches.values())))

    def _look_at(self, reading: "asyncio.Task[None]") -> None:
        """A fault of the model must not pass for a quiet consumer."""
        if not reading.cancelled() and reading.exception():
            self._broker.loop.surprises.append(f"the reading ended: {reading.exception()!r}")

    async def _consume(self, records: tuple[Any, ...]) -> None:
        parse, decode, handle = self._handlers
        message = await parse(records)
        # FastStream logs what a handler raises, and goes on.
        with suppress(Exception):
            await handle(await decode(message), message)


class KafkaBroker:
    """What the runtime takes for FastStream's broker."""

    def __init__(self, broker: Broker, _: str, *, graceful_timeout: float, **__: Any) -> None:
        self._broker = broker
        self._graceful_timeout = graceful_timeout
        self._subscribers: list[Subscriber] = []

    def subscriber(self, *topics: str, **options: Any) -> Subscriber:
        """A subscriber, not started yet."""
        subscriber = Subscriber(self._broker, topics, options)
        self._subscribers.append(subscriber)
        return subscriber

    async def start(self) -> None:
        """Start all subscribers."""
        for subscriber in self._subscribers:
            await subscriber.start()

    async def stop(self) -> None:
        """Stop all subscribers."""
        for subscriber in self._subscribers:
            await subscriber.stop(self._graceful_timeout)
