"""The writer: puts intended effects on the input topic, in order per key, and remembers them."""

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.messaging import wire
from tests.faults.harness.service import Behaviour, Sent

CLINIC = "ledger"
_NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_REPEATED = 0.04
"""The share of events that the writer publishes a second time under the same id, as a relay may."""
_REPEATED_AFTER = 5
"""So many of them wait at a time: a repeat comes some windows later, as a rule in another batch."""


class Writer:
    """`intended` holds, per key, the numbers in the order in which they are sent.

    A window of events is on its way at a time; where Kafka does not confirm it within
    `timeout` s, all of it is sent again under the same ids, which keeps the order.
    """

    def __init__(self, bootstrap: str, sent: type[Sent], seed: int, *, keys: int = 40, timeout: float = 30) -> None:
        self.intended: dict[str, list[int]] = defaultdict(list)
        self.events = 0
        self._numbers: dict[str, Iterator[int]] = defaultdict(count)
        self._bootstrap = bootstrap
        self.sent = sent
        """The class of the facts; that of a newer sender may take its place."""
        self._random = random.Random(f"writer {seed}")
        self._keys = keys
        self._timeout = timeout
        self._late: deque[Sent] = deque()
        self._producer: AIOKafkaProducer | None = None
        self._in_turn = asyncio.Lock()

    def others(self, patient: str, events: int, first: int = 0) -> None:
        """Somebody else (see writing.py) writes these, numbered from `first`."""
        self.intended[f"{CLINIC}/{patient}"] += range(first, first + events)
        self.events += events

    def next(self, *, patient: str = "", do: Behaviour = "", seconds: float = 0.0) -> Sent:
        """The next intended effect of `patient` (of one drawn, where none is named)."""
        patient = patient or f"p{self._random.randrange(self._keys)}"
        key = f"{CLINIC}/{patient}"
        number = next(self._numbers[key])
        self.intended[key].append(number)
        self.events += 1
        return self.sent(clinic_id=CLINIC, patient_id=patient, number=number, do=do, seconds=seconds)

    async def write(
        self,
        events: int,
        *,
        window: int = 50,
        pause: float = 0.0,
        until: Callable[[], bool] | None = None,
    ) -> None:
        """Send `events` (or more, as long as `until` is false), `pause` s between windows of `window`."""
        last = self.events + events
        while self.events < last or (until is not None and not until()):
            await self.send([self.next() for _ in range(window)])
            await asyncio.sleep(pause)

    async def send(self, facts: Sequence[Sent]) -> None:
        """Send these; returns when Kafka has confirmed them all, however long that takes.

        One after another, as they were numbered: a second sender would overtake one that still connects.
        """
        async with self._in_turn:
            repeats = [self._late.popleft() for _ in range(max(0, len(self._late) - _REPEATED_AFTER))]
            self._late.extend(fact for fact in facts if self._random.random() < _REPEATED)
            while not await self._confirmed([*facts, *repeats]):
                await self.close()
                await asyncio.sleep(0.2)

    def drop_repeats(self) -> None:
        """Nothing that was sent until now comes a second time: the inbox need not know it any more."""
        self._late.clear()

    async def close(self) -> None:
        """Let go of Kafka."""
        producer, self._producer = self._producer, None
        if producer:
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(5):
                    await producer.stop()

    async def _confirmed(self, facts: Sequence[Sent]) -> bool:
        try:
            async with asyncio.timeout(self._timeout):
                producer = await self._ready()
                await asyncio.gather(*[await self._put(producer, fact) for fact in facts])
        except (KafkaError, OSError, TimeoutError):
            return False
        return True

    async def _ready(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap, acks="all", enable_idempotence=True, request_timeout_ms=10_000
            )
            await self._producer.start()
        return self._producer

    async def _put(self, producer: AIOKafkaProducer, fact: Sent) -> "asyncio.Future[object]":
        headers = wire.encode_headers(fact, source="writer", time=_NOW, correlation_id="", causation_id="")
        return await producer.send(
            fact.NAME,
            value=fact.document,
            key=fact.key.encode(),
            headers=[(name, value.encode()) for name, value in headers.items()],
        )
