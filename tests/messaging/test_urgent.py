"""What is urgent waits behind no backlog: on real Kafka, by the order of what is decided, not by the clock."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest_asyncio
from aiokafka import AIOKafkaProducer
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.clock import SystemClock
from shared.events.base import Fact
from shared.events.clinical import AdverseEvent
from shared.events.intake import AdverseEventRecorded, SessionVoided
from shared.flow import FLOW
from shared.messaging.consumer import Consumer
from shared.messaging.door import Door
from shared.messaging.message import Decision, Handler
from shared.messaging.relay import Relay
from tests.messaging.counting import NOW

BACKLOG = 16_000
BEFORE = 4_000
"""So many of the backlog may be decided on before: a few batches, until Kafka has answered once."""


class Nothing:
    """Keeps nothing."""

    def key(self, fact: Fact) -> str:
        return fact.key

    async def load(self, tx: AsyncConnection, facts: Sequence[Fact]) -> Mapping[str, None]:
        return dict.fromkeys(fact.key for fact in facts)

    async def save(self, tx: AsyncConnection, changes: Sequence[tuple[Any, Any]]) -> None:
        pass


class Order:
    """How many facts of the clinic were decided on before the urgent one."""

    def __init__(self, clinic_id: str) -> None:
        self.clinic_id = clinic_id
        self.decided = 0
        self.before: int | None = None
        self.done = asyncio.Event()

    def note(self, state: None, fact: Fact, now: datetime) -> Decision[None]:
        if fact.clinic_id == self.clinic_id:
            if isinstance(fact, AdverseEventRecorded):
                self.before = self.decided
            self.decided += 1
            if self.decided == BACKLOG + 1:
                self.done.set()
        return Decision(state)


@pytest_asyncio.fixture(loop_scope="session")
async def producer(kafka_bootstrap: str) -> AsyncGenerator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, linger_ms=5)
    await producer.start()
    yield producer
    await producer.stop()


async def put(producer: Any, fact: Fact) -> Any:
    headers = [("ce_type", fact.wire_type().encode()), ("ce_id", fact.event_id.encode())]
    return await producer.send(fact.NAME, value=fact.document, key=fact.key.encode(), headers=headers)


async def test_an_adverse_event_that_comes_last_is_decided_on_before_most_of_a_backlog(
    progress_engine: AsyncEngine, kafka_bootstrap: str, producer: AIOKafkaProducer, clinic_id: str
) -> None:
    fields = {"clinic_id": clinic_id, "voided_at": NOW, "reason": "x" * 300}
    backlog = [
        SessionVoided.model_validate({**fields, "patient_id": f"p-{n % 500}", "session_id": f"s-{n}"})
        for n in range(BACKLOG)
    ]
    event = AdverseEvent(adverse_event_id="ae", grade=3, term="Syncope", occurred_at=NOW)
    urgent = AdverseEventRecorded(clinic_id=clinic_id, patient_id="p-ae", adverse_event=event)
    await asyncio.gather(*[await put(producer, fact) for fact in backlog])
    await (await put(producer, urgent))
    order = Order(clinic_id)
    handlers: dict[type[Fact], Handler] = dict.fromkeys(FLOW["progress"].consumes, order.note)
    relay = Relay(progress_engine, kafka_bootstrap)
    door = Door("progress", handlers, Nothing(), progress_engine, SystemClock(), relay)
    consumer = Consumer(kafka_bootstrap, door)
    await consumer.start()
    try:
        async with asyncio.timeout(120):
            await order.done.wait()
    finally:
        await consumer.stop()
    assert order.before is not None
    assert order.before <= BEFORE
