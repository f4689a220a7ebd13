"""Is all done? Told by Kafka's end offsets and the services' tables, not by any service's word.

Drained means: nobody's outbox holds a record, every consumed record is applied (or parked, or a
dead letter), no delivery is due or under way, and the topics did not grow while we looked.
"""

import asyncio
import json
import time
from dataclasses import dataclass
from datetime import datetime

import asyncpg
from aiokafka.errors import KafkaError

from shared.flow import FLOW, consumed_topics
from stride.demo.schemas import in_every_schema
from stride.demo.watch import Ends, Topics

_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.05
_AFTER_FAULT_SECONDS = 0.25
_OUTBOXES = in_every_schema("SELECT '{service}' AS service, count(*) AS waiting FROM {service}.outbox")
_OFFSETS = in_every_schema("SELECT '{service}' AS service, topic, partition, next_offset FROM {service}.applied_offset")
_SNAPSHOT = f"""
    SELECT
      (SELECT json_object_agg(service, waiting) FROM ({_OUTBOXES}) AS boxes WHERE waiting > 0) AS outboxes,
      (SELECT json_agg(json_build_array(service, topic, partition, next_offset)) FROM ({_OFFSETS}) AS o) AS offsets,
      (SELECT count(*) FROM notifications.delivery
        WHERE state IN ('ready', 'claimed', 'sending')
            OR (state IN ('scheduled', 'deferred') AND due_at <= $1)) AS due,
      (SELECT count(*) FROM notifications.alert WHERE wake_at <= $1) AS waking,
      (SELECT count(*) FROM scheduling.freed_time WHERE due_at <= $1)
        + (SELECT count(*) FROM scheduling.hold WHERE state = 'open' AND expires_at <= $1) AS to_offer,
      LEAST(
        (SELECT min(due_at) FROM notifications.delivery WHERE state IN ('scheduled', 'deferred') AND due_at > $1),
        (SELECT min(wake_at) FROM notifications.alert WHERE wake_at > $1),
        (SELECT min(due_at) FROM scheduling.freed_time WHERE due_at > $1)) AS next_due
"""  # noqa: S608  # the names come from the flow map

Offsets = dict[tuple[str, str, int], int]
"""Per service, topic and partition, the first offset not applied yet."""


class NotDrained(Exception):
    """The stack did not get through with its work in time; the message says what is pending."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the tables say, in one statement's view of them."""

    outboxes: dict[str, int]
    offsets: Offsets
    due: int
    waking: int
    to_offer: int
    next_due: datetime | None

    def pending(self, ends: Ends) -> list[str]:
        """What is still to be done, in words; nothing when the topics end at `ends` and all is applied."""
        waiting = [f"{count} in the outbox of {service}" for service, count in sorted(self.outboxes.items())]
        behind = [
            f"{service} has {end - applied} of {partition.topic}/{partition.partition} to apply"
            for partition, end in sorted(ends.items())
            for service in _READERS.get(partition.topic, ())
            if (applied := self.offsets.get((service, partition.topic, partition.partition), 0)) < end
        ]
        timers = {"deliveries due": self.due, "alerts to climb": self.waking, "freed times to offer": self.to_offer}
        return [*waiting, *behind, *(f"{count} {what}" for what, count in timers.items() if count)]


def _readers() -> dict[str, list[str]]:
    readers: dict[str, list[str]] = {}
    for service in FLOW:
        for topic in consumed_topics(service):
            readers.setdefault(topic, []).append(service)
    return readers


_READERS = _readers()


class Drain:
    """Waits until the stack has nothing left to do at the present (driven) time."""

    def __init__(self, database_url: str, topics: Topics, *, patience: float = 120) -> None:
        self._url = database_url
        self._topics = topics
        self._patience = patience
        self._connection: asyncpg.Connection | None = None

    async def wait(self, now: datetime) -> tuple[Snapshot, Ends]:
        """Return the drained stack's tables and end offsets.

        Raises:
            NotDrained: not within `patience` seconds.
        """
        deadline, pending = time.monotonic() + self._patience, ["nothing could be read yet"]
        before, pause = Ends(), _FIRST_PAUSE
        while time.monotonic() < deadline:
            try:
                before = before or await self._topics.ends()
                snapshot = await self.look(now)
                pending = snapshot.pending(before)
                if not pending:
                    after = await self._topics.ends()
                    if after == before:
                        return snapshot, before
                    before, pending = after, ["the topics are growing"]
                    continue
                await asyncio.sleep(pause)
                pause = min(1.3 * pause, _LONGEST_PAUSE)
            except (KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                before, pending = Ends(), [f"no look possible: {type(error).__name__}"]
                await self.close()
                await asyncio.sleep(_AFTER_FAULT_SECONDS)
        raise NotDrained(f"Not drained within {self._patience:.0f} s at {now.isoformat()}: {'; '.join(pending[:12])}")

    async def close(self) -> None:
        """Let go of the database."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def look(self, now: datetime) -> Snapshot:
        """What the tables say about `now`."""
        connection = self._connection or await asyncpg.connect(self._url, timeout=5, command_timeout=10)
        self._connection = connection
        row = await connection.fetchrow(_SNAPSHOT, now)
        assert row is not None
        offsets = json.loads(row["offsets"] or "[]")
        return Snapshot(
            outboxes=json.loads(row["outboxes"] or "{}"),
            offsets={(service, topic, partition): end for service, topic, partition, end in offsets},
            due=row["due"],
            waking=row["waking"],
            to_offer=row["to_offer"],
            next_due=row["next_due"],
        )
