"""Applying the log to a schema beside the running one, through the service's own door."""

import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import FileClock
from shared.database import open_engine
from shared.flow import FLOW, INBOUND_TOPICS, consumed_topics
from shared.messaging import wire
from shared.messaging.dead_letters import DeadLetter
from shared.messaging.door import Door
from shared.messaging.errors import Unreadable
from shared.messaging.message import Message, Outcome, Position, RawRecord
from shared.messaging.relay import Relay
from shared.messaging.service import Service
from shared.messaging.transactions import begin
from shared.rebuild import told_facts
from shared.rebuild.deciding import Deciding, Entry, Progress, entry_of
from shared.rebuild.log_reader import Ends, LogReader, Record
from shared.rebuild.read_back import ReadBack
from shared.rebuild.tally import Tally
from shared.rebuild.told_facts import ToldRecord, told_record
from shared.schemas import prepare_beside
from shared.settings import Settings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OUTSIDE_LIMIT = text(
    "UPDATE parked SET parked_at = parked_at - interval '1 day' WHERE parked_at > now() - interval '1 hour'"
)


@dataclass(frozen=True, slots=True)
class Subject:
    """The service to rebuild."""

    service: Service
    read_back: ReadBack
    settings: Settings

    @property
    def name(self) -> str:
        """The service's name, which is also its schema's."""
        return self.service.name

    @property
    def rebuilt(self) -> str:
        """The schema that is built."""
        return f"{self.name}_rebuild"

    def consumed(self) -> list[str]:
        """Topics of other services' facts. What came from outside is in the own facts, and not kept for ever."""
        return [topic for topic in consumed_topics(self.name) if topic not in INBOUND_TOPICS]

    def applied_own(self) -> list[str]:
        """Topics of own facts that are applied like messages, in the order in which the map lists them."""
        return [fact.NAME for fact in FLOW[self.name].publishes if fact in self.read_back.handlers]

    def told(self) -> list[str]:
        """Topics of own facts that are looked up."""
        looked_up = self.read_back.looked_up
        own = FLOW[self.name].publishes
        return [fact.NAME for fact in own if fact in looked_up or fact not in self.read_back.handlers]

    def sql(self, statements: Sequence[str]) -> list[str]:
        """`statements` with the names of the schemas."""
        return [statement.format(running=self.name, rebuilt=self.rebuilt) for statement in statements]


class _Alone(Door):
    """Nobody else works on the schema: the running service need not wait for a rebuild's locks."""

    async def lock(self, tx: object, messages: object) -> None:
        """Lock nothing."""


@dataclass(slots=True)
class Building:
    """A rebuild under way."""

    subject: Subject
    engine: AsyncEngine
    log: LogReader
    door: Door
    deciding: Deciding
    tally: Tally = field(default_factory=Tally)
    applied: int = 0

    async def read_told(self, log: LogReader, until: Ends, waiting: Sequence[ToldRecord]) -> None:
        """Note what was published, up to `until`, and what waits in the running outbox."""
        async for records in log.merged(until):
            told = [record for record in map(_told, records) if record]
            async with begin(self.engine) as tx:
                await told_facts.keep(tx, told)
        async with begin(self.engine) as tx:
            await told_facts.keep(tx, waiting)

    async def apply_to(self, until: Ends, progress: Progress) -> None:
        """Apply the log before `until`."""
        total = self.applied + await self.log.ahead(until)
        progress(self.applied, total)
        async for records in self.log.merged(until):
            await self.apply([self._read(record) for record in records])
            self.applied += len(records)
            progress(min(self.applied, total), total)
        progress(total, total)

    async def apply(self, items: Sequence[Entry | DeadLetter], *, of_log: bool = True) -> None:
        """Apply messages in order, in one transaction; those that are not `of_log` are not counted."""
        entries = [item for item in items if isinstance(item, Entry)]
        if entries:
            await self._make_ready(entries)
        outcomes = await self.door.admit([item.message if isinstance(item, Entry) else item for item in items])
        self.deciding.advance()
        self.tally.add(self.deciding.verdicts.values())
        if of_log:
            self._count(items, outcomes)
        if any(outcome.state == "parked" for outcome in outcomes):
            # The limit on failures is meant for a service that goes wrong now, not for years of a log.
            async with begin(self.engine) as tx:
                await tx.execute(_OUTSIDE_LIMIT)

    async def _make_ready(self, entries: Sequence[Entry]) -> None:
        async with begin(self.engine) as tx:
            told = await told_facts.caused_by(tx, (entry.message.event_id for entry in entries))
            known = set[str]()
            if self.subject.read_back.takes_new:
                known = await told_facts.known_ids(tx, (entry.message.key for entry in entries))
        self.deciding.begin(entries, told, known)

    def _count(self, items: Sequence[Entry | DeadLetter], outcomes: Sequence[Outcome]) -> None:
        for item, outcome in zip(items, outcomes, strict=True):
            self.tally.outcomes[outcome.state if isinstance(item, Entry) else "unreadable"] += 1

    def _read(self, record: Record) -> Entry | DeadLetter:
        raw = _raw(record)
        try:
            message = wire.decode(raw)
        except Unreadable as error:
            return DeadLetter(raw, error.code, error.reason)
        if record.topic not in consumed_topics(self.subject.name):
            # Our own: there is no offset to apply it at, and nowhere to park it.
            message = Message(message.event_id, message.source, message.fact, message.correlation_id)
        return entry_of(message, raw, record.timestamp)


def message_of(told: ToldRecord, service: str) -> Entry:
    """A fact from the running outbox, as it will come from the log."""
    fact = wire.read_fact(wire.known_type(told.wire_type), told.payload)
    return Entry(Message(told.event_id, f"/stride/{service}", fact), told.told_at)


def _raw(record: Record) -> RawRecord:
    position = Position(record.topic, record.partition, record.offset)
    return RawRecord(position, record.key, record.value, tuple(record.headers))


def _told(record: Record) -> ToldRecord | None:
    with suppress(Unreadable, KeyError, ValueError):
        headers = wire.read_headers(_raw(record))
        return told_record(headers["ce_id"], headers["ce_type"], headers, record.value or b"")
    return None


@asynccontextmanager
async def open_building(subject: Subject, log: LogReader) -> AsyncGenerator[Building]:
    """An empty schema beside the running one, and a door into it; the schema stays."""
    url = subject.settings.resolved_database_url
    await prepare_beside(url, subject.name, subject.rebuilt)
    engine = open_engine(url, subject.name, pool_size=2, schema=subject.rebuilt)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "clock"
            deciding = Deciding(subject.read_back, subject.service.handlers, FileClock.create(path, _EPOCH))
            # Whatever in the service asks for the time is told that of the message at hand.
            settings = subject.settings.model_copy(update={"stride_clock": str(path)})
            store = (subject.read_back.store or subject.service.store)(settings)
            relay = Relay(engine, settings.kafka_bootstrap)
            door = _Alone(subject.name, deciding.door_handlers(), store, engine, deciding.clock, relay)
            building = Building(subject, engine, log, door, deciding)
            async with begin(engine) as tx:
                await told_facts.create(tx)
            yield building
    finally:
        await engine.dispose()
