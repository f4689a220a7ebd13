"""Telling staff of what is stranded: one fact when something begins to wait, one when it waits no longer.

The tables and the dead-letter topics are looked at every few seconds, so that whoever parks and whoever takes up
again (a consumer, the console, `stride dlq`) need not think of it. What was told is kept in the table `stranding`,
in the transaction that tells it: restarts and other processes of the service tell nothing twice.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final

from aiokafka import TopicPartition
from sqlalchemy import text

from shared.events.notifications import THE_CLINIC
from shared.events.operations import EventsReleased, EventsStranded
from shared.flow import OF_ITSELF, URGENT, consumed_topics, dead_letter_topic
from shared.ids import derived_id
from shared.messaging.dead_letter_topics import Letter, dead_letters
from shared.messaging.door import Door, Work
from shared.messaging.errors import Unavailable
from shared.messaging.parking import NEWER
from shared.messaging.topic_reader import patient, reader
from shared.settings import ConfigurationInvalid
from shared.telemetry import log

MOST_PATIENTS: Final = 20
"""Of how many patients of a clinic a service tells at once: a fault that strands all of them is one fault. Those of
urgent topics are always told of."""

_POLL_SECONDS: Final = 5.0
_LETTERS_SECONDS: Final = 60.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OURS: Final = frozenset(fact.NAME for fact in OF_ITSELF)
_ALONE = text("SELECT pg_advisory_xact_lock(5419, hashtext(current_schema()))")
_PARKED = text("""
    SELECT * FROM (
        SELECT DISTINCT ON (key) key, topic, partition, record_offset, reason, position
        FROM parked ORDER BY key, position) AS first
    ORDER BY position
""")
_TOLD = text("SELECT name, document FROM stranding")
_TELL = text("INSERT INTO stranding (name, document) VALUES (:name, :document)")
_FORGET = text("DELETE FROM stranding WHERE name = :name")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits now. Its `name` stays the same while it does; `first` tells it from what waited there before."""

    name: str
    clinic_id: str
    cause: str
    topic: str
    first: str
    about: str | None = None

    def stranded(self, service: str, now: datetime) -> EventsStranded:
        """The fact about it."""
        return EventsStranded.model_validate(
            {
                "clinic_id": self.clinic_id,
                "patient_id": THE_CLINIC,
                "stranding_id": derived_id("stranding", service, self.name, self.first),
                "service": service,
                "cause": self.cause,
                "topic": self.topic,
                "about": self.about,
                "noted_at": now,
            }
        )


def to_tell(waiting: Sequence[Waiting], told: Mapping[str, EventsStranded]) -> Iterator[Waiting]:
    """What of `waiting`, the longest waiting first, is to be told now."""
    counts = Counter(fact.clinic_id for fact in told.values() if _counts(fact))
    for one in waiting:
        if one.name in told or one.topic in _OURS:  # about facts like these no such fact would help
            continue
        if _counts(one):
            if counts[one.clinic_id] >= MOST_PATIENTS:
                continue
            counts[one.clinic_id] += 1
        yield one


def _counts(one: Waiting | EventsStranded) -> bool:
    return one.cause != "unreadable" and one.topic not in URGENT


def of_letters(letters: Sequence[Letter], clinics: Set[str]) -> list[Waiting]:
    """Dead letters by topic, day and clinic; one that is no clinic's for sure is told to all of them."""
    found = list[Waiting]()
    for (topic, day), group in groupby(sorted(letters, key=_of_day), key=lambda one: _of_day(one)[:2]):
        of_day = list(group)
        for clinic_id in sorted(clinics):
            theirs = [one for one in of_day if one.key.partition("/")[0] not in clinics - {clinic_id}]
            if theirs:
                name = f"letter/{topic}/{day}/{clinic_id}"
                found.append(Waiting(name, clinic_id, "unreadable", topic, str(theirs[0].offset)))
    return found


def _of_day(letter: Letter) -> tuple[str, str, int]:
    at = _EPOCH + timedelta(milliseconds=letter.timestamp_ms)
    return letter.topic, f"{at:%Y-%m-%d}", letter.offset


@dataclass(slots=True)
class StrandingWatch:
    """Looks at one service. `clinics` are those that dead letters may belong to."""

    door: Door
    bootstrap: str
    clinics: Callable[[], Set[str]]
    _ends: Mapping[TopicPartition, tuple[int, int]] = field(default_factory=dict[TopicPartition, tuple[int, int]])
    _letters: list[Waiting] | None = None
    """None while nobody has looked: then nothing is told to be over."""

    async def run(self) -> None:
        """Until cancelled."""
        looks = round(_LETTERS_SECONDS / _POLL_SECONDS)
        while True:
            for number in range(looks):
                try:
                    if number == looks - 1:
                        await self.look_at_letters()
                    await self.look()
                except (Unavailable, ConfigurationInvalid) as error:
                    log().warning("stranding-waits", reason=str(error))
                await asyncio.sleep(_POLL_SECONDS)

    async def look_at_letters(self) -> None:
        """Read the dead letters, if there are others than before.

        Raises:
            Unavailable: Kafka does not answer.
        """
        service = self.door.service
        topics = [dead_letter_topic(service, topic) for topic in consumed_topics(service)]
        async with reader(self.bootstrap, topics) as consumer, patient():
            partitions = list(consumer.assignment())
            ends, starts = await consumer.end_offsets(partitions), await consumer.beginning_offsets(partitions)
        places = {partition: (starts[partition], end) for partition, end in ends.items()}
        if self._letters is None or places != self._ends:
            some = any(start < end for start, end in places.values())
            letters = await dead_letters(self.bootstrap, [service], values=False) if some else []
            self._letters = of_letters(letters, self.clinics()) if letters else []
            self._ends = places

    async def look(self) -> None:
        """Tell what has begun to wait, and what waits no longer.

        Raises:
            Unavailable: PostgreSQL can't be used now.
        """
        async with self.door.work() as work:
            await work.tx.execute(_ALONE)
            told = {row.name: EventsStranded.model_validate_json(row.document) for row in await work.tx.execute(_TOLD)}
            parked = [_of_key(row) for row in await work.tx.execute(_PARKED)]
            waiting = [*(self._letters or ()), *parked]
            await self._tell(work, list(to_tell(waiting, told)))
            await self._release(work, told, {one.name for one in waiting})

    async def _tell(self, work: Work, begun: Sequence[Waiting]) -> None:
        now = self.door.clock.now()
        for one in begun:
            fact = one.stranded(self.door.service, now)
            await work.tx.execute(_TELL, {"name": one.name, "document": fact.document})
            self.door.publish(work, fact)

    async def _release(self, work: Work, told: Mapping[str, EventsStranded], waiting: Collection[str]) -> None:
        for name, fact in told.items():
            unknown = self._letters is None and fact.cause == "unreadable"
            if name in waiting or unknown:
                continue
            await work.tx.execute(_FORGET, {"name": name})
            content = fact.model_dump() | {"released_at": self.door.clock.now()}
            self.door.publish(work, EventsReleased.model_validate(content))


def _of_key(row: Any) -> Waiting:
    clinic_id, _, about = row.key.partition("/")
    cause = "newer-version" if row.reason.startswith(NEWER) else "failed"
    first = f"{row.topic}/{row.partition}/{row.record_offset}"
    return Waiting(f"key/{row.key}", clinic_id, cause, row.topic, first, None if about in {"", THE_CLINIC} else about)
