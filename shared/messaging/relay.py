"""The only publisher: takes records from the outbox to Kafka, in order per key."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.clock import wall_seconds
from shared.database import fetch
from shared.messaging.errors import Unavailable
from shared.messaging.held import REFUSALS, Held, abandon, heed_no_error, unknown_topics
from shared.messaging.outbox import BUCKETS
from shared.messaging.parcels import LARGEST, Parcel, packed
from shared.messaging.transactions import begin
from shared.telemetry import log

_LOCK_CLASS = 5417
_POLL_SECONDS = 0.5
_PUBLISH_TIMEOUT_SECONDS = 30
_CROWD, _FULL, _COMPANY_SECONDS = 100, 1000, 0.05
"""After a crowd more will come: they go together, which is less work for all. Behind a full round they wait already."""
_WAITING = text("SELECT 1 FROM outbox LIMIT 1")
_OWN_BUCKETS = text("""
    SELECT bucket FROM generate_series(0, :last) AS bucket
    WHERE pg_try_advisory_xact_lock(:lock_class, hashtext(current_schema() || bucket))
""")
_TAKE = text("""
    SELECT position, bucket, aggregatetype, aggregateid, headers, payload FROM outbox
    WHERE bucket = ANY(:buckets) ORDER BY position LIMIT 1000
""")
_TAKE_OTHERS = text("""
    SELECT position, bucket, aggregatetype, aggregateid, headers, payload FROM outbox
    WHERE bucket = ANY(:buckets) AND aggregatetype <> ALL(:topics) AND aggregatetype || '/' || bucket <> ALL(:places)
    ORDER BY position LIMIT 1000
""")
_DONE = text("DELETE FROM outbox WHERE position = ANY(:positions)")


class PublishFailed(Exception):
    """Kafka did not confirm in time; whether a record arrived is unknown, so it is sent again."""


class Relay:
    """Publishes the outbox of one service until stopped.

    Records whose bucket another relay holds are left to it. A record may be published twice
    (when the confirmation is lost), with the same id: the readers' inboxes absorb it. What Kafka
    refuses stays in the outbox, is tried again and holds up nothing but what stands behind it in
    its topic and bucket.
    """

    def __init__(self, engine: AsyncEngine, bootstrap: str) -> None:
        self._engine = engine
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer | None = None
        self._wake = asyncio.Event()
        self._failing_since: float | None = None
        self._in_hand_since: float | None = None
        self.last_publish: float | None = None
        self.held = Held()

    @property
    def failing_since(self) -> float | None:
        """When the oldest attempt began of those that failed or have not been answered yet; wall seconds."""
        return self._failing_since or self._in_hand_since

    def wake(self) -> None:
        """Something was committed to the outbox: look now rather than at the next poll."""
        self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled. Faults of Kafka or PostgreSQL are waited out."""
        try:
            while True:
                await self._step()
        finally:
            await self._drop_producer()

    async def _step(self) -> None:
        woken = self._wake.is_set()
        self._wake.clear()
        try:
            published = await self.publish_once(look_first=not woken)
        except (PublishFailed, Unavailable) as error:
            await self._recover(error)
        else:
            if published < _CROWD:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _POLL_SECONDS)
            elif published < _FULL:
                await asyncio.sleep(_COMPANY_SECONDS)

    async def publish_once(self, *, look_first: bool = True) -> int:
        """Publish one batch; returns how many records Kafka confirmed.

        `look_first` spares the locks where perhaps nothing waits; who was woken knows better.
        """
        async with begin(self._engine) as tx:
            if look_first and await tx.scalar(_WAITING) is None:
                self._failing_since = None
                return 0
            owned = await tx.scalars(_OWN_BUCKETS, {"last": BUCKETS - 1, "lock_class": _LOCK_CLASS})
            rows = await self._take(tx, list(owned))
            published = await self._publish(rows) if rows else []
            if published:
                await fetch(tx, _DONE, {"positions": [row.position for row in published]})
                self.last_publish = wall_seconds()
                self._failing_since = None
            return len(published)

    async def _take(self, tx: AsyncConnection, owned: list[int]) -> Sequence[Row[Any]]:
        if not self.held:
            return (await tx.execute(_TAKE, {"buckets": owned})).all()
        passed_over = {"topics": self.held.topics(), "places": self.held.places()}
        return self.held.careful((await tx.execute(_TAKE_OTHERS, {"buckets": owned, **passed_over})).all())

    async def _publish(self, rows: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
        """Returns those that Kafka confirmed: all, but for what it refuses and what stands behind that."""
        self._in_hand_since = wall_seconds()
        try:
            async with asyncio.timeout(_PUBLISH_TIMEOUT_SECONDS):
                producer = await self._ready_producer()
                missing = await unknown_topics(producer, {row.aggregatetype for row in rows})
                if missing:
                    self.held.missing(missing)
                    rows = [row for row in rows if row.aggregatetype not in missing]
                published = await self._send_all(producer, rows)
        except Exception as error:
            # aiokafka's errors have no common root with asyncio's; whichever it was, nothing is
            # marked as done and all of it is sent again.
            self._failing_since = self.failing_since
            raise PublishFailed(type(error).__name__) from error
        finally:
            self._in_hand_since = None
        if self.held:
            self.held.taken(published)
        return published

    async def _send_all(self, producer: AIOKafkaProducer, rows: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
        parcels = await packed(producer, rows)
        sent = [await _send(producer, parcel) for parcel in parcels]
        if sent:
            await asyncio.wait(sent)
        errors = [done.exception() for done in sent]
        for error in errors:
            if error and not isinstance(error, REFUSALS):
                raise error
        return await self._after_refusal(parcels, errors) if any(errors) else rows

    async def _after_refusal(
        self, parcels: Sequence[Parcel], errors: Sequence[BaseException | None]
    ) -> Sequence[Row[Any]]:
        """Kafka refuses whole batches, so each record of one is sent again alone. Returns what was confirmed."""
        published = [row for parcel, error in zip(parcels, errors, strict=True) if not error for row in parcel.rows]
        await self._drop_producer()
        for row in (row for parcel, error in zip(parcels, errors, strict=True) if error for row in parcel.rows):
            if not self.held.holds(row) and await self._taken_alone(row):
                published.append(row)
        return published

    async def _taken_alone(self, row: Row[Any]) -> bool:
        """Whether Kafka takes it. If not, the producer has lost count of that partition: the next takes a new one."""
        producer = await self._ready_producer()
        try:
            await asyncio.gather(*[await _send(producer, parcel) for parcel in await packed(producer, [row])])
        except REFUSALS as error:
            self.held.refused(row, error)
            await self._drop_producer()
            return False
        return True

    async def _ready_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                acks="all",
                enable_idempotence=True,
                request_timeout_ms=10_000,
                max_batch_size=LARGEST,
            )
            await self._producer.start()
        return self._producer

    async def _recover(self, error: Exception) -> None:
        """Begin anew with a fresh producer: after a fatal error the old one never publishes again."""
        self._failing_since = self._failing_since or wall_seconds()
        log().warning("relay-waits", error_type=type(error).__name__, reason=str(error)[:80])
        await self._drop_producer()
        await asyncio.sleep(0.5)

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await abandon(producer)


async def _send(producer: AIOKafkaProducer, parcel: Parcel) -> "asyncio.Future[Any]":
    """Hand a parcel over; the future tells when Kafka has confirmed it."""
    sent: asyncio.Future[Any] = await producer.send_batch(parcel.batch, parcel.topic, partition=parcel.partition)
    sent.add_done_callback(heed_no_error)
    return sent
