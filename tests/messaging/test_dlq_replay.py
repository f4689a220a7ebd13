"""Replaying what is stranded, parked keys and dead letters alike: in order, with one effect, within limits."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.api.inbound import inbound_decoder
from services.intake.main import SERVICE as INTAKE
from shared.clock import SystemClock
from shared.flow import INBOUND_TOPIC
from shared.ids import random_id
from shared.messaging import wire
from shared.messaging.allowance import Allowance
from shared.messaging.consumer import Consumer
from shared.messaging.dead_letter_topics import PUT_BACK, dead_letters
from shared.messaging.desks import open_desk
from shared.messaging.door import Door
from shared.messaging.errors import Unavailable
from shared.messaging.groups import running_services
from shared.messaging.message import Position, RawRecord
from shared.messaging.replay import Replayed, parked_events, replay_key
from shared.messaging.replay_run import NO_TOKEN, Desk, Fate, replay
from shared.messaging.stranded import Selection, Stranded, find_stranded
from shared.settings import Settings
from shared.tokens import Bearer, Tokens
from stride.cli.dlq_stack import Reach
from stride.demo.watch import read_all
from tests.messaging.counting import CountStore, tally
from tests.messaging.stranding import (
    healed,
    lay_aside,
    park,
    publish,
    readable_letter,
    still_parked,
    unreadable_letter,
)
from tests.messaging.test_door import door, rows

__all__ = ["door"]

FAILS, FINE = "transferred", "completed"
SECRET_HASH = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
"""Of the token "secret"."""


async def stranded(door: Door, bootstrap: str, clinic_id: str, **wanted: Any) -> list[Stranded]:
    selection = replace(Selection(key=f"{clinic_id}/*"), **wanted)
    return await find_stranded({"progress": door.engine}, bootstrap, selection)


async def replay_all(door: Door, bootstrap: str, clinic_id: str, **options: Any) -> dict[str, tuple[str, int, str]]:
    chosen = await stranded(door, bootstrap, clinic_id)
    fates = await replay(chosen, {"progress": Desk(door, wire.decode)}, bootstrap, **options)
    return _told(fates)


def _told(fates: Sequence[Fate]) -> dict[str, tuple[str, int, str]]:
    return {fate.stranded.id: (fate.state, fate.events, fate.reason) for fate in fates}


async def causes(door: Door) -> list[str]:
    """The events that led to the facts in the outbox, in order."""
    return [dict(orjson.loads(row.headers))["ce_causationid"] for row in await rows(door.engine, "outbox")]


async def times_on_topic(bootstrap: str, event_id: str, topic: str = "plan.ended") -> int:
    records = await read_all(bootstrap, [topic])
    return sum(dict(record.headers).get("ce_id") == event_id.encode() for record in records)


async def test_both_kinds_are_in_one_view_and_each_filter_narrows_it(
    door: Door, kafka_bootstrap: str, clinic_id: str
) -> None:
    await park(door, clinic_id, FAILS, FINE)
    letter, _ = await readable_letter(kafka_bootstrap, clinic_id)
    parked = f"progress:key:{clinic_id}/p"

    async def ids(**wanted: Any) -> list[str]:
        return [one.id for one in await stranded(door, kafka_bootstrap, clinic_id, **wanted)]

    assert await ids() == [parked, letter]
    assert await ids(kind="parked") == await ids(reason="zerodivision") == await ids(key=f"{clinic_id}/p") == [parked]
    assert await ids(kind="letter") == await ids(reason="NOT known") == await ids(ids=frozenset({letter})) == [letter]
    assert await ids(topic="plan.*", event_type="clinic.plan.ended.v1", service="progress") == [parked, letter]
    assert await ids(topic="session.logged") == await ids(event_type="clinic.plan") == await ids(service="intake") == []
    now = SystemClock().now()
    assert await ids(since=now - timedelta(minutes=5)) == [parked, letter]
    assert await ids(since=now + timedelta(minutes=5)) == []
    (one, _) = await stranded(door, kafka_bootstrap, clinic_id)
    assert (one.kind, one.events, one.topic, one.event_type) == ("parked", 2, "plan.ended", "clinic.plan.ended.v1")


async def test_a_replay_applies_in_order_puts_back_what_can_be_read_and_tells_what_can_not(
    door: Door, kafka_bootstrap: str, clinic_id: str
) -> None:
    order = await park(door, clinic_id, FAILS, FINE, FAILS, FINE)
    readable, event_id = await readable_letter(kafka_bootstrap, clinic_id)
    unreadable = await unreadable_letter(kafka_bootstrap, clinic_id)
    fates = await replay_all(healed(door), kafka_bootstrap, clinic_id)
    state, events, reason = fates.pop(unreadable)
    assert (state, events) == ("failed", 0)
    assert reason.startswith("bad-value: Not a valid clinic.plan.ended.v1: clinic_id")
    assert fates == {f"progress:key:{clinic_id}/p": ("done", 4, ""), readable: ("done", 1, "")}
    assert await causes(door) == order
    assert (await tally(door.engine))[f"{clinic_id}/p"] == 4
    assert await times_on_topic(kafka_bootstrap, event_id) == 1
    assert [one.id for one in await stranded(door, kafka_bootstrap, clinic_id)] == [unreadable]


async def test_replays_twice_and_two_at_once_have_one_effect(door: Door, kafka_bootstrap: str, clinic_id: str) -> None:
    order = await park(door, clinic_id, *[FAILS] * 6)
    readable, event_id = await readable_letter(kafka_bootstrap, clinic_id)
    unreadable = await unreadable_letter(kafka_bootstrap, clinic_id)
    desks = {"progress": Desk(healed(door), wire.decode)}
    chosen = await stranded(door, kafka_bootstrap, clinic_id)
    both = await asyncio.gather(*(replay(chosen, desks, kafka_bootstrap) for _ in range(2)))
    again = await replay(chosen, desks, kafka_bootstrap)
    assert sum(fate.events for fates in both for fate in fates) == 7
    assert {told[0] for told in _told(again).values()} == {"gone", "failed"}
    assert await causes(door) == order
    assert (await tally(door.engine))[f"{clinic_id}/p"] == 6
    assert await times_on_topic(kafka_bootstrap, event_id) == 1
    letters = [letter for letter in await dead_letters(kafka_bootstrap, ["progress"]) if clinic_id in letter.key]
    assert [f"progress:plan.ended:{letter.offset}" for letter in letters] == [unreadable]
    assert readable not in {one.id for one in await stranded(door, kafka_bootstrap, clinic_id)}


async def test_a_dry_run_tells_what_would_happen_and_changes_nothing(
    door: Door, kafka_bootstrap: str, clinic_id: str
) -> None:
    await park(door, clinic_id, FAILS, FINE, "deceased")
    letter, event_id = await readable_letter(kafka_bootstrap, clinic_id)
    before = await stranded(door, kafka_bootstrap, clinic_id)
    key = f"progress:key:{clinic_id}/p"
    assert (await replay_all(door, kafka_bootstrap, clinic_id, dry_run=True))[key] == (
        "failed", 0, "ZeroDivisionError in the handler",
    )  # fmt: skip
    # Each event is tried on what those before it would leave: it takes a hundred to break the limit of 99.
    async with door.engine.begin() as tx:
        await tx.execute(text("INSERT INTO tally VALUES (:key, 97)"), {"key": f"{clinic_id}/p"})
    fates = await replay_all(healed(door), kafka_bootstrap, clinic_id, dry_run=True)
    assert fates == {key: ("failed", 2, "database error 23514"), letter: ("done", 1, "")}
    assert await stranded(door, kafka_bootstrap, clinic_id) == before
    assert (await tally(door.engine))[f"{clinic_id}/p"] == 97
    assert await causes(door) == []
    assert await times_on_topic(kafka_bootstrap, event_id) == 0


async def test_what_fails_again_stays_with_its_new_reason_and_the_others_go_on(
    door: Door, kafka_bootstrap: str, clinic_id: str
) -> None:
    await park(door, clinic_id, FAILS, patient="bad")
    await park(door, clinic_id, FAILS, FINE, FINE, patient="good")
    async with door.engine.begin() as tx:
        # The first of the good ones was mended; its second is refused instead.
        await tx.execute(
            text("UPDATE parked SET value = replace(encode(value, 'escape'), :old, :new)::bytea WHERE key = :key"),
            {"old": FAILS, "new": FINE, "key": f"{clinic_id}/good"},
        )
        await tx.execute(
            text(
                "UPDATE parked SET value = replace(encode(value, 'escape'), :old, :new)::bytea WHERE position = "
                "(SELECT min(position) + 1 FROM parked WHERE key = :key)"
            ),
            {"old": FINE, "new": "deceased", "key": f"{clinic_id}/good"},
        )
    fates = await replay_all(door, kafka_bootstrap, clinic_id)
    assert fates == {
        f"progress:key:{clinic_id}/bad": ("failed", 0, "ZeroDivisionError in the handler"),
        f"progress:key:{clinic_id}/good": ("failed", 1, "not this one"),
    }
    assert await still_parked(door.engine) == {f"{clinic_id}/bad": 1, f"{clinic_id}/good": 2}
    reasons = [event.reason for event in await parked_events(door.engine, f"{clinic_id}/good")]
    assert reasons == ["not this one", "behind-parked"]


async def test_a_run_takes_up_no_more_than_it_may_and_the_next_goes_on_behind(
    door: Door, kafka_bootstrap: str, clinic_id: str
) -> None:
    first = await park(door, clinic_id, *[FAILS] * 3, patient="a")
    second = await park(door, clinic_id, *[FAILS] * 3, patient="b")
    letter, _ = await readable_letter(kafka_bootstrap, clinic_id)
    told: list[int] = []
    allowance = Allowance(most=4, told=lambda: told.append(1))
    for dry_run in (True, False):
        fates = await replay_all(
            healed(door), kafka_bootstrap, clinic_id, allowance=replace(allowance), dry_run=dry_run
        )
        assert fates == {
            f"progress:key:{clinic_id}/a": ("done", 3, ""),
            f"progress:key:{clinic_id}/b": ("left", 1, ""),
            letter: ("left", 0, ""),
        }
    assert len(told) == 8
    assert await causes(door) == [*first, second[0]]
    await replay_all(healed(door), kafka_bootstrap, clinic_id)
    assert await causes(door) == [*first, *second]
    assert await stranded(door, kafka_bootstrap, clinic_id) == []


async def test_a_rate_spaces_the_events_and_a_dry_run_does_not_wait(
    door: Door, kafka_bootstrap: str, clinic_id: str
) -> None:
    await park(door, clinic_id, *[FAILS] * 3)
    await readable_letter(kafka_bootstrap, clinic_id)
    clock, waits = [100.0], list[float]()

    async def sleep(seconds: float) -> None:
        waits.append(round(seconds, 6))
        clock[0] += seconds

    def allowance() -> Allowance:
        return Allowance(per_second=4, seconds=lambda: clock[0], sleep=sleep)

    await replay_all(healed(door), kafka_bootstrap, clinic_id, allowance=allowance(), dry_run=True)
    assert waits == []
    await replay_all(healed(door), kafka_bootstrap, clinic_id, allowance=allowance())
    assert waits == [0.25, 0.25, 0.25]


async def test_a_rate_makes_no_burst_of_the_time_that_was_lost() -> None:
    clock, waits = [0.0], list[float]()

    async def sleep(seconds: float) -> None:
        waits.append(round(seconds, 6))
        clock[0] += seconds

    allowance = Allowance(per_second=10, seconds=lambda: clock[0], sleep=sleep)
    for busy in (0.0, 0.04, 5.0, 0.0, 0.0):
        await allowance.turn()
        clock[0] += busy
        allowance.count()
    assert waits == [0.1, 0.06, 0.1]


async def test_a_slot_that_someone_took_is_decided_on_again(door: Door, clinic_id: str) -> None:
    class Contended(CountStore):
        tries = 0

        async def save(self, tx: AsyncConnection, changes: Sequence[tuple[Any, Any]]) -> None:
            self.tries += 1
            if self.tries < 3:
                await tx.execute(text("DO $$ BEGIN RAISE EXCEPTION 'taken' USING ERRCODE = '23P01'; END $$"))
            await super().save(tx, changes)

    await park(door, clinic_id, FAILS)
    store = Contended()
    assert await replay_key(replace(healed(door), store=store), f"{clinic_id}/p") == Replayed(f"{clinic_id}/p", 1)
    assert store.tries == 3


async def test_a_sender_can_not_make_another_letter_disappear(door: Door, kafka_bootstrap: str, clinic_id: str) -> None:
    victim, _ = await readable_letter(kafka_bootstrap, clinic_id)
    offset = victim.rpartition(":")[2].encode()
    forged = await lay_aside(kafka_bootstrap, b"{}", ((PUT_BACK, offset),), key=f"{clinic_id}/forger")
    assert [one.id for one in await stranded(door, kafka_bootstrap, clinic_id)] == [victim, forged]


async def test_a_letter_of_the_inbound_topic_goes_back_with_its_senders_token_only(
    door: Door, kafka_bootstrap: str, clinic_id: str
) -> None:
    event_id, key = f"in-{clinic_id}", f"{clinic_id}/p"
    headers = (
        ("ce_id", event_id.encode()), ("ce_type", b"clinic.plan.ended.v1"), ("ce_source", b"/system"),
        ("ce_specversion", b"1.0"), ("authorization", b"Bearer old"),
    )  # fmt: skip
    value = orjson.dumps({"patient_id": "p", "plan_id": "x", "reason": "completed", "ended_at": "2026-03-02T09:00:00Z"})
    letter = await lay_aside(kafka_bootstrap, value, headers, key=key, service="intake", topic=INBOUND_TOPIC)
    bearer = Bearer(clinic_id=clinic_id, system="system", role="clinic-system")
    desks = {"intake": Desk(replace(door, service="intake"), inbound_decoder(Tokens({SECRET_HASH: bearer})))}
    chosen = await find_stranded({"intake": door.engine}, kafka_bootstrap, Selection(kind="letter", key=key))

    async def state(authorization: str) -> tuple[str, int, str]:
        return _told(await replay(chosen, desks, kafka_bootstrap, authorization=authorization))[letter]

    assert await state("") == ("failed", 0, NO_TOKEN)
    assert (await state("Bearer wrong"))[2].startswith("not-authenticated")
    assert await times_on_topic(kafka_bootstrap, event_id, INBOUND_TOPIC) == 0
    assert await state("Bearer secret") == ("done", 1, "")
    (record,) = [
        record
        for record in await read_all(kafka_bootstrap, [INBOUND_TOPIC])
        if ("ce_id", event_id.encode()) in record.headers
    ]
    assert (record.value, record.key, dict(record.headers)["authorization"]) == (value, key.encode(), b"Bearer secret")
    assert not [name for name, _ in record.headers if name.startswith("dlq-")]


async def test_what_is_parked_from_the_inbound_topic_keeps_no_token_and_is_replayed_with_its_senders(
    door: Door, kafka_bootstrap: str, clinic_id: str
) -> None:
    key = f"{clinic_id}/p"
    headers = (
        ("ce_id", random_id().encode()), ("ce_type", b"clinic.plan.ended.v1"), ("ce_source", b"/system"),
        ("ce_specversion", b"1.0"), ("Authorization", b"Bearer secret"),
    )  # fmt: skip
    value = orjson.dumps({"patient_id": "p", "plan_id": "x", "reason": "completed", "ended_at": "2026-03-02T09:00:00Z"})
    record = RawRecord(Position(INBOUND_TOPIC, 0, 1), key.encode(), value, headers)
    decode = inbound_decoder(Tokens({SECRET_HASH: Bearer(clinic_id=clinic_id, system="s", role="clinic-system")}))
    await door.park_alone(decode(record), "broken")
    (parked,) = await parked_events(door.engine, key)
    assert parked.record == record._replace(headers=headers[:-1])
    chosen = await find_stranded({"progress": door.engine}, kafka_bootstrap, Selection(kind="parked", key=key))

    async def state(authorization: str) -> tuple[str, int, str]:
        desks = {"progress": Desk(door, decode)}
        return _told(await replay(chosen, desks, kafka_bootstrap, authorization=authorization))[chosen[0].id]

    assert await state("") == ("failed", 0, NO_TOKEN)
    assert (await state("Bearer wrong"))[0] == "failed"
    assert await state("Bearer secret") == ("done", 1, "")


def test_a_service_whose_files_are_missing_keeps_only_its_own_from_being_replayed(
    door: Door, database_url: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    settings = Settings(
        database_url=database_url, kafka_bootstrap=kafka_bootstrap, stride_tokens=tmp_path / "missing.json"
    )
    desks, closed = Reach(settings, {"intake": door.engine, "progress": door.engine}).desks(["intake", "progress"])
    assert list(desks) == ["progress"]
    assert "no token file" in closed["intake"]


async def test_a_desk_reads_each_topic_as_the_service_does(
    door: Door, database_url: str, kafka_bootstrap: str, clinic_id: str, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens.json"
    tokens.write_text(json.dumps({SECRET_HASH: {"clinic_id": clinic_id, "system": "s", "role": "clinic-system"}}))
    settings = Settings(database_url=database_url, kafka_bootstrap=kafka_bootstrap, stride_tokens=tokens)
    desk = open_desk(INTAKE, settings, door.engine)
    ours = await _first_parked(door, clinic_id)
    assert desk.decode(ours).fact.key == f"{clinic_id}/p"
    sent = ours._replace(
        position=Position(INBOUND_TOPIC, 0, 1),
        headers=(*ours.headers, ("ce_source", b"/s"), ("ce_specversion", b"1.0"), ("authorization", b"Bearer secret")),
    )
    # The sender is told by the token: it stands in front of what a clinic's system calls itself.
    assert desk.decode(sent).source == f"{clinic_id}|/s"


async def _first_parked(door: Door, clinic_id: str) -> RawRecord:
    await park(door, clinic_id, FAILS)
    return (await parked_events(door.engine, f"{clinic_id}/p"))[0].record


async def test_a_service_that_reads_is_told_from_one_that_does_not(door: Door, kafka_bootstrap: str) -> None:
    consumer = Consumer(kafka_bootstrap, door)
    await consumer.start()
    try:
        async with asyncio.timeout(20):
            while await running_services(kafka_bootstrap, ["progress", "nobody"]) != {"progress"}:
                await asyncio.sleep(0.1)
    finally:
        await consumer.stop()
    assert await running_services(kafka_bootstrap, ["progress", "nobody"]) == set()


async def test_without_kafka_letters_are_unavailable(door: Door, unused_tcp_port: int) -> None:
    nowhere = f"127.0.0.1:{unused_tcp_port}"
    with pytest.raises(Unavailable, match="does not answer"):
        await find_stranded({"progress": door.engine}, nowhere)
    with pytest.raises(Unavailable, match="does not answer"):
        await running_services(nowhere, ["progress"])
    assert await find_stranded({"progress": door.engine}, nowhere, Selection(kind="parked")) == []


async def test_a_mark_is_no_letter(kafka_bootstrap: str, clinic_id: str) -> None:
    victim, _ = await readable_letter(kafka_bootstrap, clinic_id)
    mark = [(PUT_BACK, victim.rpartition(":")[2].encode())]
    await publish(kafka_bootstrap, "dlq.progress.plan.ended", None, clinic_id.encode(), list(mark))
    assert [letter for letter in await dead_letters(kafka_bootstrap, ["progress"]) if clinic_id in letter.key] == []
