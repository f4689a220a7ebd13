"""Reading the log for a rebuild: by time, up to a point, and on from there; deciding at the time of then."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.clock import FileClock
from shared.events.base import Fact
from shared.events.progress import Evidence, PlateauSuspected
from shared.ids import random_id
from shared.messaging.errors import Unavailable
from shared.messaging.message import Decision, Message, Position
from shared.rebuild.deciding import Deciding, Entry
from shared.rebuild.log_reader import LogReader, open_log
from shared.rebuild.read_back import ReadBack
from shared.rebuild.tally import Tally
from shared.rebuild.told_facts import Told

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest_asyncio.fixture(loop_scope="session")
async def topics(kafka_bootstrap: str) -> AsyncGenerator[tuple[str, str]]:
    """Two topics of two partitions that nobody else uses."""
    names = (f"z-early-{random_id()}", f"a-late-{random_id()}")
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, num_partitions=2, replication_factor=1) for name in names])
    yield names
    await admin.delete_topics(list(names))
    await admin.close()


async def put(bootstrap: str, *records: tuple[str, int, int]) -> None:
    """Records of topic, partition and timestamp (ms)."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for topic, partition, timestamp in records:
            await producer.send_and_wait(topic, b"x", partition=partition, timestamp_ms=timestamp)


async def read(log: LogReader, ends: dict[TopicPartition, int]) -> list[tuple[str, int, int]]:
    return [(one.topic, one.partition, one.timestamp) async for batch in log.merged(ends) for one in batch]


async def test_topics_are_read_in_the_order_of_time_and_each_partition_in_its_own(
    kafka_bootstrap: str, topics: tuple[str, str]
) -> None:
    early, late = topics
    await put(kafka_bootstrap, (late, 0, 5), (late, 0, 3), (early, 0, 1), (early, 1, 4), (late, 1, 4), (early, 0, 9))
    async with open_log(kafka_bootstrap, topics) as log:
        found = await read(log, await log.ends(topics))
    # The 3 stands behind a 5 in its partition and stays there; of the two 4s the first topic's comes first.
    assert found == [(early, 0, 1), (early, 1, 4), (late, 1, 4), (late, 0, 5), (late, 0, 3), (early, 0, 9)]


async def test_what_lies_behind_the_end_is_read_the_next_time_and_nothing_twice(
    kafka_bootstrap: str, topics: tuple[str, str]
) -> None:
    early, late = topics
    await put(kafka_bootstrap, *((early, 0, stamp) for stamp in range(10)), *((late, 1, stamp) for stamp in range(10)))
    places = [TopicPartition(early, 0), TopicPartition(late, 1)]
    found: list[tuple[str, int, int]] = []
    async with open_log(kafka_bootstrap, topics) as log:
        for end in (3, 3, 4, 10):
            ends = dict.fromkeys(places, end)
            assert await log.ahead(ends) == 2 * end - len(found)
            found += await read(log, ends)
            assert len(found) == 2 * end
    assert sorted(found) == sorted((topic, partition, stamp) for topic, partition in places for stamp in range(10))


async def test_a_topic_that_is_not_there_is_named(kafka_bootstrap: str) -> None:
    with pytest.raises(Unavailable, match="no-such-topic"):
        async with open_log(kafka_bootstrap, ["no-such-topic"]):
            pass


def plateau(review: int) -> PlateauSuspected:
    return PlateauSuspected(
        clinic_id="c", patient_id="p", plan_id="plan", measure="pain", review=review, evidence=Evidence(rule_version=1)
    )


def entry(review: int, time: datetime, offset: int) -> Entry:
    position = Position("plateau.suspected", 0, offset)
    return Entry(Message(f"e{review}", "somebody", plateau(review), position=position), time)


def deciding(path: Path, clocks: list[datetime], *facts: Fact) -> tuple[Deciding, Any]:
    """A rebuild of a service that gives `facts` on each message, noting the time it was told."""

    def handler(state: list[int], fact: Fact, now: datetime) -> Decision[list[int]]:
        clocks.append(now)
        return Decision([*state, 1], facts)

    made = Deciding(ReadBack(), {PlateauSuspected: handler}, FileClock.create(path / "clock", NOON))
    return made, made.door_handlers()[PlateauSuspected]


def test_it_is_decided_at_the_time_of_what_was_published_else_not_before_the_partition_had_come_so_far(
    tmp_path: Path,
) -> None:
    clocks: list[datetime] = []
    rebuild, handler = deciding(tmp_path, clocks)
    delayed = NOON + timedelta(hours=3)
    first, second, third = (entry(number, NOON + timedelta(minutes=number), number) for number in (1, 2, 3))
    for one, told in ((first, {}), (second, {"e2": Told((), delayed)}), (third, {})):
        rebuild.begin([one], told, set())
        handler([], one.message.fact, NOON)
        assert rebuild.clock.now() == clocks[-1]
        rebuild.advance()
    assert clocks == [NOON + timedelta(minutes=1), delayed, delayed]


def test_facts_are_told_apart_into_same_changed_new_and_missing_and_none_leaves_twice(tmp_path: Path) -> None:
    decided = (plateau(10), plateau(11), plateau(12))
    otherwise = plateau(11).model_copy(update={"evidence": Evidence(rule_version=2)})
    rebuild, handler = deciding(tmp_path, [], *decided)
    one = entry(1, NOON, 0)
    told = Told((plateau(10), plateau(13), otherwise), NOON)
    rebuild.begin([one], {"e1": told}, {plateau(10).event_id})
    assert handler([], one.message.fact, NOON).facts == ()
    tally = Tally()
    tally.add(rebuild.verdicts.values())
    assert (tally.same, tally.changed) == (1, {plateau(11).event_id})
    assert (tally.new, tally.missing) == ({plateau(12).event_id}, {plateau(13).event_id})
