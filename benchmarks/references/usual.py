"""Reference (b): the handler that one usually writes with FastStream and SQLAlchemy.

One event at a time: FastStream parses it into a Pydantic model, the handler opens an ORM session, notes the
event in an inbox and keeps the fact, commits; FastStream acknowledges it then. It writes what reference (a)
writes, and decides and publishes nothing.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import uvloop
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage
from sqlalchemy import DateTime, Identity, func, make_url, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.references import arguments, tell
from shared.events import EVENTS
from shared.events.base import Fact
from shared.events.intake import SessionLogged


class Base(DeclarativeBase):
    """The tables of this reference."""


class Seen(Base):
    """An event that was applied."""

    __tablename__ = "inbox"
    __table_args__ = {"schema": "bench_usual"}  # noqa: RUF012  # as SQLAlchemy documents it

    source: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Kept(Base):
    """A fact as it came."""

    __tablename__ = "fact"
    __table_args__ = {"schema": "bench_usual"}  # noqa: RUF012  # as above

    position: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    clinic_id: Mapped[str]
    patient_id: Mapped[str]
    topic: Mapped[str]
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)


def handler(fact_type: type[Fact], sessions: async_sessionmaker[Any]) -> Callable[..., Awaitable[None]]:
    """The subscriber of one topic."""

    # FastStream reads the annotation to know what to parse.
    async def handle(fact: fact_type, message: KafkaMessage) -> None:  # pyright: ignore[reportInvalidTypeForm, reportUnknownParameterType]
        async with sessions() as session:
            session.add(Seen(source=message.headers["ce_source"], event_id=message.headers["ce_id"]))
            session.add(
                Kept(
                    clinic_id=fact.clinic_id,
                    patient_id=fact.patient_id,
                    topic=fact_type.NAME,
                    body=fact.model_dump(mode="json", exclude_none=True),
                )
            )
            try:
                await session.commit()
            except IntegrityError:  # seen before
                await session.rollback()
        tell(1)

    return handle


async def _tables(engine: AsyncEngine) -> None:
    async with engine.begin() as tx:
        await tx.execute(text("CREATE SCHEMA IF NOT EXISTS bench_usual"))
        await tx.run_sync(Base.metadata.create_all)
        await tx.execute(text("TRUNCATE bench_usual.inbox, bench_usual.fact"))


async def main(bootstrap: str, database: str, topics: list[str], group: str) -> None:
    engine = create_async_engine(make_url(database).set(drivername="postgresql+asyncpg"))
    await _tables(engine)
    broker = KafkaBroker(bootstrap, logger=None)
    facts = {fact.NAME: fact for fact in EVENTS.values()}
    sessions = async_sessionmaker(engine)
    for topic in topics:
        subscriber = broker.subscriber(
            topic, group_id=group, auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR
        )
        subscriber(handler(facts.get(topic, SessionLogged), sessions))  # sessions come by the inbound topic
    await FastStream(broker, logger=None).run()


if __name__ == "__main__":
    told = arguments(__doc__)
    uvloop.run(main(told.bootstrap, told.database, told.topics, told.group))
