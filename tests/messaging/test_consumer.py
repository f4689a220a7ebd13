"""Consumer, door and relay together on real Kafka: poison goes aside, neighbours proceed."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import anyio
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import SystemClock
from shared.events.base import Fact
from shared.events.intake import PlanEnded
from shared.flow import FLOW
from shared.ids import random_id
from shared.messaging import dead_letter_topics
from shared.messaging.consumer import Consumer
from shared.messaging.door import Door
from shared.messaging.message import Decision, Handler
from shared.messaging.relay import Relay
from tests.messaging.counting import NOW, Count, CountStore, count, create_tally, empty_everything, tally

Header = tuple[str, bytes | None]
Send = Callable[..., Awaitable[None]]
GOOD_TYPE: Header = ("ce_type", b"clinic.plan.ended.v1")


def _ignore(state: Count, _: Fact, __: datetime) -> Decision[Count]:
    return Decision(state)


@pytest_asyncio.fixture(loop_scope="session")
async def consuming(progress_engine: AsyncEngine, kafka_bootstrap: str) -> AsyncGenerator[AsyncEngine]:
    await create_tally(progress_engine)
    relay = Relay(progress_engine, kafka_bootstrap)
    # Other tests' services put facts into the same topics: they are read and nothing is done with them.
    handlers: dict[type[Fact], Handler] = dict.fromkeys(FLOW["progress"].consumes, _ignore)
    door = Door("progress", handlers | {PlanEnded: count}, CountStore(), progress_engine, SystemClock(), relay)
    consumer = Consumer(kafka_bootstrap, door)
    await consumer.start()
    relaying = asyncio.create_task(relay.run())
    yield progress_engine
    await consumer.stop()
    relaying.cancel()
    with suppress(asyncio.CancelledError):
        await relaying
    await empty_everything(progress_engine)


@pytest_asyncio.fixture(loop_scope="session")
async def send(kafka_bootstrap: str) -> AsyncGenerator[Send]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await producer.start()

    async def put(value: bytes | None, headers: list[Header], key: bytes = b"k") -> None:
        await producer.send_and_wait("plan.ended", value=value, key=key, headers=headers)

    yield put
    await producer.stop()


def ended(clinic_id: str, patient_id: str) -> PlanEnded:
    return PlanEnded.model_validate(
        {
            "clinic_id": clinic_id,
            "patient_id": patient_id,
            "plan_id": random_id(),
            "reason": "completed",
            "ended_at": NOW,
        }
    )


async def until(reached: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await reached():
            await asyncio.sleep(0.05)


async def dead_letters(bootstrap: str, clinic_id: str, expected: int) -> dict[str, str]:
    """Per name of the case (a header of ours), the code that its dead letter carries."""
    consumer = AIOKafkaConsumer(
        "dlq.progress.plan.ended", bootstrap_servers=bootstrap, auto_offset_reset="earliest", group_id=random_id()
    )
    await consumer.start()
    found: dict[str, str] = {}
    try:
        async with asyncio.timeout(20):
            while len(found) < expected:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        headers = dict(record.headers)
                        if headers.get("case-of") == clinic_id.encode():
                            found[headers["case"].decode()] = headers["dlq-code"].decode()
        return found
    finally:
        await consumer.stop()


async def test_an_idle_consumer_waits_for_records_and_never_sleeps(
    consuming: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asleep = list[float]()

    async def sleep(seconds: float) -> None:
        asleep.append(seconds)
        await asyncio.sleep(seconds)

    await asyncio.sleep(0.5)
    monkeypatch.setattr(anyio, "sleep", sleep)
    await asyncio.sleep(1)
    assert asleep == []


async def test_each_poison_becomes_one_dead_letter_and_its_neighbours_are_applied(
    consuming: AsyncEngine, send: Send, kafka_bootstrap: str, clinic_id: str
) -> None:
    good = ended(clinic_id, "good").document
    poison: dict[str, tuple[bytes | None, list[Header]]] = {
        "not-json": (b"{not json", [GOOD_TYPE, ("ce_id", b"1")]),
        "nan": (good.replace(b'"completed"', b"NaN"), [GOOD_TYPE, ("ce_id", b"2")]),
        "surrogate": (good.replace(b"completed", b"\\ud800"), [GOOD_TYPE, ("ce_id", b"3")]),
        "tombstone": (None, [GOOD_TYPE, ("ce_id", b"4")]),
        "bad-header": (good, [GOOD_TYPE, ("ce_id", b"\xff\xfe")]),
        "null-id": (good, [GOOD_TYPE, ("ce_id", None)]),
        "no-type": (good, [("ce_id", b"5")]),
        "unknown-type": (good, [("ce_type", b"clinic.moon.landed.v1"), ("ce_id", b"6")]),
        "missing-field": (b'{"clinic_id":"c"}', [GOOD_TYPE, ("ce_id", b"7")]),
        "deep": (b"[" * 100_000, [GOOD_TYPE, ("ce_id", b"8")]),
    }
    for number, (case, (value, headers)) in enumerate(poison.items()):
        marks: list[Header] = [("case", case.encode()), ("case-of", clinic_id.encode())]
        await send(value, [*headers, *marks])
        fact = ended(clinic_id, f"neighbour-{number}")
        await send(fact.document, [GOOD_TYPE, ("ce_id", fact.event_id.encode())], fact.key.encode())
    found = await dead_letters(kafka_bootstrap, clinic_id, len(poison))
    assert found == {
        "not-json": "bad-value",
        "nan": "bad-value",
        "surrogate": "bad-value",
        "tombstone": "bad-value",
        "bad-header": "bad-header",
        "null-id": "no-id",
        "no-type": "unknown-type",
        "unknown-type": "unknown-type",
        "missing-field": "bad-value",
        "deep": "bad-value",
    }

    async def all_neighbours() -> bool:
        counts = await tally(consuming)
        return sum(key.startswith(f"{clinic_id}/neighbour-") for key in counts) == len(poison)

    await until(all_neighbours)


async def test_a_dead_letter_that_was_put_back_twice_and_can_be_read_now_is_applied_once(
    consuming: AsyncEngine, kafka_bootstrap: str, send: Send, clinic_id: str
) -> None:
    fact = ended(clinic_id, "late")
    headers: list[Header] = [("ce_type", b"clinic.plan.ended.v1"), ("ce_id", b"\xff"), ("case-of", clinic_id.encode())]
    await send(fact.document, [*headers, ("case", b"put-back")], fact.key.encode())
    await dead_letters(kafka_bootstrap, clinic_id, 1)
    letters = await dead_letter_topics.dead_letters(kafka_bootstrap, ["progress"])
    (letter,) = [one for one in letters if ("case-of", clinic_id.encode()) in one.record.headers]
    assert (letter.topic, letter.code, letter.event_type) == ("plan.ended", "bad-header", "clinic.plan.ended.v1")
    # A later release can read such ids; here the operator mends the header.
    mended_headers = [(name, b"mended" if name == "ce_id" else value) for name, value in letter.record.headers]
    mended = replace(letter, record=replace(letter.record, headers=mended_headers))
    assert await dead_letter_topics.put_back(kafka_bootstrap, [mended, mended]) == 2

    async def applied() -> bool:
        return f"{clinic_id}/late" in await tally(consuming)

    await until(applied)
    assert (await tally(consuming))[f"{clinic_id}/late"] == 1


async def test_a_repeat_on_kafka_is_applied_once(consuming: AsyncEngine, send: Send, clinic_id: str) -> None:
    fact = ended(clinic_id, "twice")
    for _ in range(3):
        await send(fact.document, [GOOD_TYPE, ("ce_id", fact.event_id.encode())], fact.key.encode())
    last = ended(clinic_id, "last")
    await send(last.document, [GOOD_TYPE, ("ce_id", last.event_id.encode())], fact.key.encode())

    async def applied() -> bool:
        return f"{clinic_id}/last" in await tally(consuming)

    await until(applied)
    assert (await tally(consuming))[f"{clinic_id}/twice"] == 1
