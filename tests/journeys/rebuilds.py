"""A stack that has lived through the small scenario and runs on, and services rebuilt beside it."""

import importlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg

from shared.clock import FileClock
from shared.messaging.service import Service
from shared.rebuild.building import Subject
from shared.rebuild.comparison import Difference
from shared.rebuild.outcome import Rebuilt
from shared.rebuild.rebuilding import open_rebuilding
from shared.settings import Settings
from stride.demo.drain import Drain
from stride.demo.report.mail import look_at_mail
from stride.demo.run import clock_of
from stride.demo.watch import Topics, all_topics, dead_letter_topics
from stride.embedded import Addresses, Stack
from tests.journeys.runs import read_back_of


@dataclass(frozen=True, slots=True)
class Clinic:
    """The stack, seen from outside."""

    stack: Stack
    home: Path

    @property
    def addresses(self) -> Addresses:
        return self.stack.addresses

    async def rebuild(self, service: str, **how: Any) -> Rebuilt:
        return await rebuild(self.addresses, self.home, service, **how)

    async def published(self) -> int:
        """How many records all topics have, dead letters included."""
        async with Topics.open(self.addresses.kafka_bootstrap, [*all_topics(), *dead_letter_topics()]) as topics:
            return sum((await topics.ends()).values())

    async def mails(self) -> int:
        return len(await look_at_mail(self.addresses.mailbox))

    async def drained(self) -> None:
        """Return when nothing is left to do at the present time."""
        async with Topics.open(self.addresses.kafka_bootstrap, all_topics()) as topics:
            drain = Drain(self.addresses.database_url, topics)
            await drain.wait(FileClock(clock_of(self.home)).now())
            await drain.close()

    async def query(self, *statements: str) -> list[Any]:
        connection = await asyncpg.connect(self.addresses.database_url)
        try:
            return [row for statement in statements for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    async def schemas(self) -> set[str]:
        return {row["nspname"] for row in await self.query("SELECT nspname FROM pg_namespace")}


async def rebuild(
    addresses: Addresses,
    home: Path,
    name: str,
    *,
    swap: bool = False,
    publish_new: bool = False,
    handlers: dict[Any, Any] | None = None,
) -> Rebuilt:
    """As `stride rebuild SERVICE`, in this process; with other `handlers` where a rule has changed."""
    settings = Settings(
        kafka_bootstrap=addresses.kafka_bootstrap,
        database_url=addresses.database_url,
        stride_clock=str(clock_of(home)),
    )
    service: Service = importlib.import_module(f"services.{name}.main").SERVICE
    service = replace(service, handlers={**service.handlers, **(handlers or {})})
    async with open_rebuilding(Subject(service, read_back_of(name), settings), lambda _applied, _total: None) as made:
        try:
            await made.build()
            rebuilt = await made.compare()
            return await made.swap(rebuilt, publish_new=publish_new) if swap else rebuilt
        finally:
            await made.drop()


def differing(rebuilt: Rebuilt) -> list[Difference]:
    return [table for table in rebuilt.tables if not table.same]
