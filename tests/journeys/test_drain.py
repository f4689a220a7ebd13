"""Drained means drained: whatever is still on its way is told by name."""

from dataclasses import replace
from datetime import UTC, datetime

from aiokafka import TopicPartition

from shared.flow import INBOUND_TOPIC
from stride.demo.drain import Drain, Snapshot
from stride.demo.watch import Topics, all_topics

NOW = datetime(2026, 1, 12, tzinfo=UTC)
SESSIONS, LETTERS, INBOUND = (
    TopicPartition(topic, 0) for topic in ("session.logged", "dlq.progress.session.logged", INBOUND_TOPIC)
)
APPLIED = {(reader, "session.logged", 0): 5 for reader in ("progress", "scheduling", "console")}


DRAINED = Snapshot(outboxes={}, offsets=APPLIED, due=0, waking=0, to_offer=0, next_due=None)


def test_everything_applied_and_nothing_due_is_drained() -> None:
    assert DRAINED.pending({SESSIONS: 5}) == []


def test_a_record_that_one_of_its_readers_has_not_applied_is_pending() -> None:
    behind = replace(DRAINED, offsets=APPLIED | {("scheduling", "session.logged", 0): 4})
    assert behind.pending({SESSIONS: 5}) == ["scheduling has 1 of session.logged/0 to apply"]


def test_a_reader_that_never_read_counts_from_nought() -> None:
    assert DRAINED.pending({SESSIONS: 5, INBOUND: 2}) == ["intake has 2 of clinic.inbound/0 to apply"]


def test_a_topic_that_nobody_consumes_is_never_pending() -> None:
    assert DRAINED.pending({SESSIONS: 5, LETTERS: 99}) == []


def test_an_outbox_row_and_a_due_delivery_are_pending() -> None:
    busy = replace(DRAINED, outboxes={"intake": 3}, due=2)
    assert busy.pending({SESSIONS: 5}) == ["3 in the outbox of intake", "2 deliveries due"]


async def test_the_look_reads_what_the_migrations_made(database_url: str, kafka_bootstrap: str) -> None:
    async with Topics.open(kafka_bootstrap, all_topics()) as topics:
        drain = Drain(database_url, topics)
        looked = await drain.look(NOW)
        assert isinstance(looked.due, int)
        assert set(all_topics()) == {partition.topic for partition in await topics.ends()}
        await drain.close()
