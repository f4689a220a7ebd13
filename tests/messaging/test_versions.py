"""A fact of a newer version than a service knows waits, with what follows it, until the service is updated."""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import replace
from itertools import count as counting
from typing import Any, ClassVar

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.handlers import HANDLERS as CONSOLE
from services.console.store import FileStore
from services.intake.handlers import HANDLERS as INTAKE
from services.intake.store import PatientFiles
from services.notifications.handlers import HANDLERS as NOTIFICATIONS
from services.notifications.store import PatientStore
from services.progress.handlers import HANDLERS as PROGRESS
from services.progress.store import RecordStore
from services.scheduling.handlers import HANDLERS as SCHEDULING
from services.scheduling.store import SchedulingStore
from shared.clinics import load_clinics
from shared.clock import SystemClock
from shared.database import open_engine
from shared.events import EVENTS
from shared.events.base import PatientFact
from shared.events.intake import PlanEnded
from shared.flow import FLOW
from shared.ids import random_id
from shared.messaging import parking, wire
from shared.messaging.door import Door, Store
from shared.messaging.errors import TooManyFailures, Unreadable
from shared.messaging.message import Handler, Message, NewerFact, Position, RawRecord
from shared.messaging.relay import Relay
from shared.messaging.replay import Replayed, parked_keys, replay_key
from shared.protocols import load_protocols
from shared.settings import ROOT
from tests.messaging.counting import count, tally
from tests.messaging.test_consumer import Send, consuming, send, until
from tests.messaging.test_door import door, ended, rows
from tests.messaging.test_replay import headed

__all__ = ["consuming", "door", "send"]

V2 = "clinic.plan.ended.v2"
WAITS = f"newer-version: {V2}; update this service, then replay."


class PlanEndedLater(PlanEnded):
    """The version that an updated sender publishes: `reason` became `outcome`."""

    VERSION: ClassVar[int] = 2

    outcome: str


_offsets = counting(1_000_000)


def record(wire_type: str, key: bytes | None, value: bytes | None = b'{"later": {}}', event_id: str = "e") -> RawRecord:
    headers = (("ce_type", wire_type.encode()), ("ce_id", event_id.encode()), ("ce_source", b"/stride/intake"))
    return RawRecord(Position("plan.ended", 0, next(_offsets)), key, value, headers)


def newer(message: Message) -> Message:
    """The same event as an updated sender publishes it."""
    body = PlanEndedLater.model_validate(message.fact.model_dump() | {"outcome": "well"})
    return wire.decode(record(V2, message.key.encode(), body.document, f"{message.event_id}-v2"))


def known(message: Message) -> Message:
    return message._replace(record=headed(message), position=Position("plan.ended", 0, next(_offsets)))


def test_a_newer_version_is_read_as_far_as_it_can_be_told() -> None:
    message = wire.decode(record(V2, b"riverside/p-1"))
    assert message.fact == NewerFact(clinic_id="riverside", patient_id="p-1", of_type=V2)
    assert (message.key, message.event_id, message.source) == ("riverside/p-1", "e", "/stride/intake")
    assert message.record
    assert message.record.value == b'{"later": {}}'


@pytest.mark.parametrize(
    ("wire_type", "key", "value", "code"),
    [
        ("clinic.moon.landed.v2", b"c/p", b"{}", "unknown-type"),
        ("clinic.plan.ended.v0", b"c/p", b"{}", "unknown-type"),
        ("clinic.plan.ended.v02", b"c/p", b"{}", "unknown-type"),
        ("clinic.plan.ended.v2.v3", b"c/p", b"{}", "unknown-type"),
        ("clinic.plan.ended.v99999999999999999999", b"c/p", b"{}", "unknown-type"),
        ("plan.ended.v2", b"c/p", b"{}", "unknown-type"),
        (V2, None, b"{}", "bad-key"),
        (V2, b"no-slash", b"{}", "bad-key"),
        (V2, b"c/p/q", b"{}", "bad-key"),
        (V2, b"c/\xff", b"{}", "bad-key"),
        (V2, b"c/p", None, "bad-value"),
    ],
)
def test_what_is_no_newer_version_stays_a_dead_letter(
    wire_type: str, key: bytes | None, value: bytes | None, code: str
) -> None:
    with pytest.raises(Unreadable) as refusal:
        wire.decode(record(wire_type, key, value))
    assert refusal.value.code == code


def test_an_older_version_that_nobody_declares_is_a_dead_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EVENTS, V2, PlanEndedLater)
    monkeypatch.delitem(EVENTS, PlanEnded.wire_type())
    with pytest.raises(Unreadable, match="not one that Stride knows"):
        wire.decode(record(PlanEnded.wire_type(), b"c/p"))


async def test_it_is_parked_and_the_later_events_of_its_key_wait_behind_it(door: Door, clinic_id: str) -> None:
    batch = [known(ended("p", clinic_id)), newer(ended("p", clinic_id)), known(ended("p", clinic_id))]
    neighbour = known(ended("neighbour", clinic_id))
    outcomes = await door.admit([*batch, neighbour])
    assert [outcome.state for outcome in outcomes] == ["applied", "parked", "parked", "applied"]
    assert [row.reason for row in await rows(door.engine, "parked")] == [WAITS, parking.BEHIND]
    assert await tally(door.engine) == {f"{clinic_id}/p": 1, f"{clinic_id}/neighbour": 1}
    assert [outcome.state for outcome in await door.admit(batch)] == ["repeat"] * 3


async def test_after_the_update_a_replay_applies_all_in_order(
    door: Door, clinic_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = newer(ended("p", clinic_id))
    await door.admit([waiting, known(ended("p", clinic_id))])
    assert await replay_key(door, waiting.key) == Replayed(waiting.key, 0, WAITS)
    assert [parked.events for parked in await parked_keys(door.engine)] == [2]

    monkeypatch.setitem(EVENTS, V2, PlanEndedLater)
    updated = replace(door, handlers={PlanEnded: count, PlanEndedLater: count})
    assert await replay_key(updated, waiting.key) == Replayed(waiting.key, 2)
    assert await tally(door.engine) == {waiting.key: 2}
    assert await rows(door.engine, "parked") == []
    causes = [dict(wire.unpack_headers(row.headers))["ce_causationid"] for row in await rows(door.engine, "outbox")]
    assert causes[0] == waiting.event_id.encode()


async def test_a_version_that_is_declared_but_not_handled_here_waits_too(
    door: Door, clinic_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EVENTS, V2, PlanEndedLater)
    (outcome,) = await door.admit([newer(ended("p", clinic_id))])
    assert (outcome.state, outcome.reason) == ("parked", WAITS)


async def test_a_rolling_deployment_does_not_stop_the_reading(door: Door, clinic_id: str) -> None:
    """Any number of newer facts: other patients' events are applied all the same, and real failures still count."""
    flood = [newer(ended(f"p{number}", clinic_id)) for number in range(parking.MOST_FAILURES + 50)]
    outcomes = await door.admit([*flood, known(ended("neighbour", clinic_id))])
    assert [outcome.state for outcome in outcomes] == ["parked"] * len(flood) + ["applied"]
    failing = [known(ended(f"f{number}", clinic_id, "transferred")) for number in range(parking.MOST_FAILURES + 1)]
    with pytest.raises(TooManyFailures):
        await door.admit(failing)


async def test_from_kafka_it_waits_and_its_neighbour_is_applied(
    consuming: AsyncEngine, send: Send, clinic_id: str
) -> None:
    first, neighbour = ended("p", clinic_id), ended("neighbour", clinic_id)
    await send(b'{"later":1}', [("ce_type", V2.encode()), ("ce_id", b"n-1")], first.key.encode())
    for message in (first, neighbour):
        headers = [("ce_type", b"clinic.plan.ended.v1"), ("ce_id", message.event_id.encode())]
        await send(message.fact.document, headers, message.key.encode())

    async def told() -> bool:
        return len(await rows(consuming, "parked")) == 2 and neighbour.key in await tally(consuming)

    await until(told)
    parked = await rows(consuming, "parked")
    assert [(row.key, row.reason, row.value) for row in parked] == [
        (first.key, WAITS, b'{"later":1}'),
        (first.key, parking.BEHIND, first.fact.document),
    ]
    assert first.key not in await tally(consuming)


STORES: dict[str, tuple[Mapping[Any, Handler], Callable[[], Store]]] = {
    "intake": (INTAKE, lambda: PatientFiles(load_protocols(ROOT / "protocols"))),
    "scheduling": (SCHEDULING, lambda: SchedulingStore(SystemClock())),
    "progress": (PROGRESS, RecordStore),
    "notifications": (NOTIFICATIONS, lambda: PatientStore(load_clinics(ROOT / "clinics"))),
    "console": (CONSOLE, FileStore),
}


@pytest_asyncio.fixture(loop_scope="session", params=sorted(STORES))
async def any_door(request: pytest.FixtureRequest, database_url: str) -> AsyncGenerator[Door]:
    """The real door of each service in turn."""
    service: str = request.param
    handlers, store = STORES[service]
    engine = open_engine(database_url, service)
    yield Door(service, handlers, store(), engine, SystemClock(), Relay(engine, "127.0.0.1:9"))
    async with engine.begin() as tx:
        await tx.execute(text("DELETE FROM parked WHERE topic LIKE 'test.%'"))
        await tx.execute(text("DELETE FROM applied_offset WHERE topic LIKE 'test.%'"))
    await engine.dispose()


async def test_each_service_parks_a_newer_version_of_each_fact_it_consumes(any_door: Door, clinic_id: str) -> None:
    for fact in FLOW[any_door.service].consumes:
        wire_type = f"clinic.{fact.NAME}.v{max(f.VERSION for f in EVENTS.values() if f.NAME == fact.NAME) + 1}"
        key = f"{clinic_id}/{fact.NAME}" if issubclass(fact, PatientFact) else f"{clinic_id}-{fact.NAME}"
        raw = record(wire_type, key.encode(), event_id=random_id())
        raw = raw._replace(position=raw.position._replace(topic=f"test.{fact.NAME}"))
        (outcome,) = await any_door.admit([wire.decode(raw)])
        reason = f"newer-version: {wire_type}; update this service, then replay."
        assert (outcome.state, outcome.reason) == ("parked", reason)


def test_every_service_is_tried_here() -> None:
    assert set(STORES) == set(FLOW)
