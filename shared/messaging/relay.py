"""The only publisher: takes records from the outbox to Kafka, in order per key."""

import asyncio
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import wall_seconds
from shared.messaging import wire
from shared.messaging.errors import Unavailable
from shared.messaging.outbox import BUCKETS
from shared.messaging.transactions import begin
from shared.telemetry import log

_LOCK_CLASS = 5417
_POLL_SECONDS = 0.5
_PUBLISH_TIMEOUT_SECONDS = 30
_WAITING = text("SELECT 1 FROM outbox LIMIT 1")
_OWN_BUCKETS = text("""
    SELECT bucket FROM generate_series(0, :last) AS bucket
    WHERE pg_try_advisory_xact_lock(:lock_class, hashtext(current_schema() || bucket))
""")
_TAKE = text("""
    SELECT position, aggregatetype, aggregateid, headers, payload FROM outbox
    WHERE bucket = ANY(:buckets) ORDER BY position LIMIT 1000
""")
_DONE = text("DELETE FROM outbox WHERE position = ANY(:positions)")


class PublishFailed(Exception):
    """Kafka did not confirm in time; whether a record arrived is unknown, so it is sent again."""


class Relay:
    """Publishes the outbox of one service until stopped.

    Records whose bucket another relay holds are left to it. A record may be published twice
    (when the confirmation is lost), with the same id: the readers' inboxes absorb it.
    """

    def __init__(self, engine: AsyncEngine, bootstrap: str) -> None:
        self._engine = engine
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer | None = None
        self._wake = asyncio.Event()
        self.last_publish: float | None = None
        self.failing_since: float | None = None

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
        self._wake.clear()
        try:
            published = await self.publish_once()
        except (PublishFailed, Unavailable) as error:
            await self._recover(error)
        else:
            self.failing_since = None
            if not published:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _POLL_SECONDS)

    async def publish_once(self) -> int:
        """Publish one batch; returns how many records Kafka confirmed."""
        async with begin(self._engine) as tx:
            if await tx.scalar(_WAITING) is None:
                return 0
            owned = await tx.scalars(_OWN_BUCKETS, {"last": BUCKETS - 1, "lock_class": _LOCK_CLASS})
            rows = (await tx.execute(_TAKE, {"buckets": list(owned)})).all()
            if rows:
                await self._publish(rows)
                await tx.execute(_DONE, {"positions": [row.position for row in rows]})
                self.last_publish = wall_seconds()
            return len(rows)

    async def _publish(self, rows: "list[Row[Any]] | Any") -> None:
        try:
            async with asyncio.timeout(_PUBLISH_TIMEOUT_SECONDS):
                producer = await self._ready_producer()
                sent = [
                    await producer.send(
                        row.aggregatetype,
                        value=row.payload,
                        key=row.aggregateid,
                        headers=wire.unpack_headers(row.headers),
                    )
                    for row in rows
                ]
                await asyncio.gather(*sent)
        except Exception as error:
            # aiokafka's errors have no common root with asyncio's; whichever it was, nothing is
            # marked as done and all of it is sent again.
            raise PublishFailed(type(error).__name__) from error

    async def _ready_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                acks="all",
                enable_idempotence=True,
                request_timeout_ms=10_000,
                max_request_size=1_000_000,
            )
            await self._producer.start()
        return self._producer

    async def _recover(self, error: Exception) -> None:
        """Begin anew with a fresh producer: after a fatal error the old one never publishes again."""
        self.failing_since = self.failing_since or wall_seconds()
        log().warning("relay-waits", error_type=type(error).__name__, reason=str(error)[:80])
        await self._drop_producer()
        await asyncio.sleep(0.5)

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(Exception):
                async with asyncio.timeout(5):
                    await producer.stop()
