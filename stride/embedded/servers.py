"""The embedded servers together: PostgreSQL, Kafka and the mail inbox, started side by side."""

import os
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from stride.embedded.addresses import Addresses, External, http_address
from stride.embedded.credentials import Credentials
from stride.embedded.home import Home
from stride.embedded.kafka import SideDoor, bootstrap, format_storage, kafka_program
from stride.embedded.mailbox.program import mailbox_program
from stride.embedded.ports import LOOPBACK
from stride.embedded.postgres import create_database, database_url, initialise, postgres_program
from stride.embedded.roster import Roster
from stride.embedded.side_by_side import side_by_side
from stride.embedded.training import install_kafka

SERVERS = ("postgres", "kafka", "mailbox")
_PORTS = ("postgres", "kafka", "kafka_controller", "mailbox_smtp", "mailbox_http")

Report = Callable[[str], None]


def silent(_step: str) -> None:
    """For callers who don't show progress."""


class Servers:
    """`async with Servers(home) as servers`: real servers, stopped at the end, data kept.

    `durable=False` is for tests: PostgreSQL then does not wait for the disk. A server given by
    `external` (by default from KAFKA_BOOTSTRAP, DATABASE_URL and STRIDE_SMTP) is used as it is.
    `side_door` is Kafka's, for tests that put something between it and its clients.
    Must be entered from the thread that runs the event loop for as long as the servers live.
    """

    def __init__(
        self,
        home: Path,
        *,
        durable: bool = True,
        external: External | None = None,
        report: Report = silent,
        side_door: SideDoor | None = None,
    ) -> None:
        self.home: Home = Home(home)
        self.roster: Roster = Roster()
        self._durable: bool = durable
        self._external: External = external or External.from_environment(os.environ)
        self._report: Report = report
        self.side_door: SideDoor | None = side_door
        self._open: AsyncExitStack = AsyncExitStack()
        self._addresses: Addresses | None = None

    @property
    def addresses(self) -> Addresses:
        assert self._addresses is not None, "the servers are not started"
        return self._addresses

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening:
            opening.enter_context(self.home.locked())
            opening.push_async_callback(self._stop)
            ports = self.home.ports(_PORTS)
            credentials = Credentials.ensure(self.home.path / "secrets")
            self._addresses = self._plan(ports, credentials)
            await side_by_side(
                self._start_postgres(ports, credentials),
                self._start_kafka(ports),
                self._start_mailbox(ports),
            )
            self._open = opening.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._open.aclose()

    async def kill(self, name: str, sent: signal.Signals = signal.SIGKILL) -> None:
        """Signals a server's process and returns when it is gone; it will be started again."""
        await self.roster.kill(name, sent)

    async def restart(self, name: str) -> None:
        """Stops a server with grace; returns when it is ready again, at the same address."""
        await self.roster[name].restart()

    async def wait_ready(self, *names: str) -> None:
        """Returns when these (all when none is named) are ready; raises when one can't be."""
        await self.roster.wait_ready(names or self.roster.names())

    def _plan(self, ports: dict[str, int], credentials: Credentials) -> Addresses:
        given = self._external
        own_url = database_url(ports["postgres"], credentials.postgres_owner)
        own_inbox = "" if given.smtp else http_address(ports["mailbox_http"])
        return Addresses(
            kafka_bootstrap=given.kafka_bootstrap or bootstrap(ports["kafka"]),
            database_url=given.database_url or own_url,
            smtp=given.smtp or f"smtp://{LOOPBACK}:{ports['mailbox_smtp']}",
            mailbox=given.mailbox or own_inbox,
            tokens=credentials.tokens,
        )

    async def _start_postgres(self, ports: dict[str, int], credentials: Credentials) -> None:
        if self._external.database_url:
            return
        password, port = credentials.postgres_owner, ports["postgres"]
        self._report("Starting PostgreSQL")
        await initialise(self.home, password)
        self.roster.start(postgres_program(self.home, port, password, durable=self._durable))
        await self.roster.wait_ready(["postgres"])
        await create_database(port, password)

    async def _start_kafka(self, ports: dict[str, int]) -> None:
        if self._external.kafka_bootstrap:
            return
        installation = await install_kafka(self._report)
        pair = (ports["kafka"], ports["kafka_controller"])
        self._report("Starting Kafka")
        await format_storage(self.home, installation, pair)
        self.roster.start(kafka_program(self.home, installation, pair, side_door=self.side_door))
        await self.roster.wait_ready(["kafka"])

    async def _start_mailbox(self, ports: dict[str, int]) -> None:
        if self._external.smtp:
            return
        self._report("Starting the mail inbox")
        self.roster.start(mailbox_program(self.home, ports["mailbox_smtp"], ports["mailbox_http"]))
        await self.roster.wait_ready(["mailbox"])

    async def _stop(self) -> None:
        for name in reversed(SERVERS):
            await self.roster.stop([name])
