"""A rebuild from start to end: build, catch up, stand still for a moment, compare, perhaps swap."""

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg
from aiokafka import TopicPartition
from sqlalchemy import text

from shared.clock import SystemClock, open_clock
from shared.messaging.message import Message
from shared.messaging.transactions import begin
from shared.rebuild.building import Building, Subject, message_of, open_building
from shared.rebuild.comparison import compare_schemas
from shared.rebuild.deciding import Entry, Progress
from shared.rebuild.log_reader import LogReader, open_log
from shared.rebuild.outcome import NotToBeRebuilt, NotToBeSwapped, Rebuilt
from shared.rebuild.standstill import Mode, Standstill, connect, how_far, standstill
from shared.rebuild.swap import drop_schema, swap

_NEAR = 200
"""Records that are few enough to be applied while the running service stands still."""
_MOST_ROUNDS = 20
_BATCH = 500
_VERSIONS = (
    "SELECT {running}.alembic_version.version_num, {rebuilt}.alembic_version.version_num"
    " FROM {running}.alembic_version, {rebuilt}.alembic_version"
)
_ALONE = "SELECT pg_try_advisory_lock(7246412, hashtext($1))"
_NEWLY_PARKED = """
    SELECT count(*) FROM {rebuilt}.parked AS ours WHERE NOT EXISTS (
        SELECT FROM {running}.parked AS theirs WHERE theirs.key = ours.key)
"""
_TOLD_SINCE = "DELETE FROM {rebuilt}.outbox USING {rebuilt}.told_fact AS told WHERE id = event_id"
_NEW_FACTS = "SELECT count(*) FROM {rebuilt}.outbox WHERE aggregatetype NOT LIKE 'dlq.%'"
_NO_LETTERS = "DELETE FROM {rebuilt}.outbox WHERE aggregatetype LIKE 'dlq.%'"


@dataclass(slots=True)
class Rebuilding:
    """The steps of a rebuild; `open_rebuilding` makes one."""

    building: Building
    told_log: LogReader
    connection: asyncpg.Connection
    progress: Progress

    @property
    def subject(self) -> Subject:
        """The service that is rebuilt."""
        return self.building.subject

    async def build(self) -> None:
        """Apply the log until little is left of what the running service has applied.

        Raises:
            NotToBeRebuilt: the running tables are of another release.
        """
        await self._check_versions()
        await self._execute(self.connection, self.subject.read_back.begin)
        for round_ in range(_MOST_ROUNDS):
            before = self.building.applied
            ends = await self._own_ends()
            await self._catch_up(await how_far(self.connection, self.subject.name), ends)
            if round_ == 0:
                await self._execute(self.connection, self.subject.read_back.built)
            if self.building.applied - before <= _NEAR:
                return

    async def compare(self) -> Rebuilt:
        """Stand still, catch up, and compare as of that moment, while the running service goes on."""
        reader = await connect(self.subject.settings.resolved_database_url)
        try:
            async with self._standstill("SHARE") as still:
                began = time.monotonic()
                await self._arrive(still)
                async with reader.transaction():
                    await self._execute(reader, self.subject.read_back.finish)
                snapshot = reader.transaction(isolation="repeatable_read", readonly=True)
                await snapshot.start()
                await reader.fetchval("SELECT count(*) FROM pg_class")
                seconds = time.monotonic() - began
            how, names = self.subject.read_back.tables, (self.subject.name, self.subject.rebuilt)
            found = await compare_schemas(reader, *names, how, self._now())
            return replace(self._rebuilt(), tables=found, still_seconds=seconds)
        finally:
            await reader.close()

    async def swap(self, compared: Rebuilt, *, publish_new: bool = False) -> Rebuilt:
        """Put the rebuilt schema in the running one's place, as of one moment; adds to what was `compared`.

        Raises:
            NotToBeSwapped: it would publish facts that never were, or leaves more parked than before.
            NoStandstill: the tables are in use without a break.
        """
        began = time.monotonic()
        async with self._standstill("ACCESS EXCLUSIVE") as still:
            began = time.monotonic()
            await self._arrive(still)
            await self._execute(self.connection, [*self.subject.read_back.finish, _NO_LETTERS, _TOLD_SINCE])
            await self._check(publish_new=publish_new)
            old = await swap(self.connection, self.subject.name, self.subject.rebuilt, SystemClock().now())
        seconds = time.monotonic() - began
        return replace(
            self._rebuilt(),
            tables=compared.tables,
            still_seconds=compared.still_seconds,
            old_schema=old,
            swapped_seconds=seconds,
        )

    async def drop(self, schema: str = "") -> None:
        """Drop the rebuilt schema, or the `schema` that was swapped out."""
        await drop_schema(self.connection, schema or self.subject.rebuilt)

    @asynccontextmanager
    async def _standstill(self, mode: Mode) -> AsyncGenerator[Standstill]:
        async with standstill(self.connection, self.subject.name, mode) as still:
            yield still

    async def _arrive(self, still: Standstill) -> None:
        """The last step of a standstill: what is in the log, in the outbox, and what time alone brings about."""
        await self._catch_up(still, await self._own_ends())
        handled = {fact.wire_type() for fact in self.subject.read_back.handlers}
        waiting = [message_of(told, self.subject.name) for told in still.outbox if told.wire_type in handled]
        await self._apply(waiting)
        now = self._now()
        if self.subject.read_back.last:
            query, parameters, fact_of = self.subject.read_back.last(now)
            async with begin(self.building.engine) as tx:
                facts = [fact_of(row) for row in await tx.execute(text(query), parameters)]
            entries = [Entry(Message(f"{f.event_id}/{now}", "rebuild", f), now) for f in facts]
            await self._apply(entries, of_log=False)

    def _now(self) -> datetime:
        return open_clock(self.subject.settings.stride_clock).now()

    async def _apply(self, entries: Sequence[Entry], *, of_log: bool = True) -> None:
        for start in range(0, len(entries), _BATCH):
            await self.building.apply(entries[start : start + _BATCH], of_log=of_log)

    async def _own_ends(self) -> dict[TopicPartition, int]:
        """Where the own facts end that are applied as messages.

        To be asked before how far the service is: then what they rest on is applied too.
        """
        return await self.building.log.ends(self.subject.applied_own())

    async def _catch_up(self, still: Standstill, own_ends: Mapping[TopicPartition, int]) -> None:
        """Apply what the running service has applied, knowing all that it published because of it.

        What was published is asked after how far the service is: all of it is either in the log by
        now, or in the outbox as it was then.
        """
        consumed = set(self.subject.consumed())
        inputs = {TopicPartition(*place): end for place, end in still.applied.items() if place[0] in consumed}
        await self.building.read_told(self.told_log, await self.told_log.ends(self.subject.told()), still.outbox)
        await self.building.apply_to({**inputs, **own_ends}, self.progress)

    async def _execute(self, connection: asyncpg.Connection, statements: Sequence[str]) -> None:
        for statement in self.subject.sql(statements):
            await connection.execute(statement)

    async def _check_versions(self) -> None:
        ((running, ours),) = [tuple(row) for row in await self.connection.fetch(*self.subject.sql([_VERSIONS]))]
        if running != ours:
            raise NotToBeRebuilt(
                f"The tables of {self.subject.name} are of version {running}, those of this release of {ours}. "
                "Bring them up to date first: `python -m shared.provision`, or start the stack."
            )

    async def _check(self, *, publish_new: bool) -> None:
        parked, new = [await self.connection.fetchval(*self.subject.sql([sql])) for sql in (_NEWLY_PARKED, _NEW_FACTS)]
        service = self.subject.name
        if parked:
            raise NotToBeSwapped(
                f"{parked} events of keys that are not parked now could not be applied again. Nothing was changed. "
                f"Look at {self.subject.rebuilt}.parked (--keep leaves it there), mend {service}, and rebuild again."
            )
        if new and not publish_new:
            raise NotToBeSwapped(
                f"{new} facts are decided now that {service} never published. Nothing was changed. "
                "Look at `facts` with --json; --publish-new swaps and lets them leave."
            )

    def _rebuilt(self) -> Rebuilt:
        tally = self.building.tally
        return Rebuilt(self.subject.name, self.building.applied, dict(tally.outcomes), tally.as_json())


@asynccontextmanager
async def open_rebuilding(subject: Subject, progress: Progress) -> AsyncGenerator[Rebuilding]:
    """A rebuild that has not begun; the schema it makes stays.

    Raises:
        Unavailable: Kafka or PostgreSQL does not answer.
        NotToBeRebuilt: somebody else rebuilds the service.
    """
    bootstrap = subject.settings.kafka_bootstrap
    connection = await connect(subject.settings.resolved_database_url)
    try:
        if not await connection.fetchval(_ALONE, subject.name):
            raise NotToBeRebuilt(f"Somebody else is rebuilding {subject.name}: wait for them to end.")
        async with (
            open_log(bootstrap, [*subject.consumed(), *subject.applied_own()]) as log,
            open_log(bootstrap, subject.told()) as told_log,
            open_building(subject, log) as building,
        ):
            yield Rebuilding(building, told_log, connection, progress)
    finally:
        await connection.close()
