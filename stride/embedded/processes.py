"""The whole stack: the servers, and on them the services, as supervised child processes."""

import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from stride.embedded.addresses import Addresses, External, http_address
from stride.embedded.errors import StartFailed
from stride.embedded.home import Home
from stride.embedded.logins import ensure_accounts, known_clinics
from stride.embedded.probes import http_ok
from stride.embedded.program import Program
from stride.embedded.servers import Report, Servers, silent

SERVICES = ("intake", "scheduling", "progress", "notifications", "console")

Prepare = Callable[[Addresses], Awaitable[None]]
"""What has to be done between servers and services: migrations, topics."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a stack runs.

    `package` holds the services' modules: `intake` runs as `python -m <package>.intake`.
    `environment` is added to that of the services (`STRIDE_CLOCK`, say).
    """

    services: Sequence[str] = SERVICES
    package: str = "services"
    prepare: Sequence[Prepare] = ()
    durable: bool = True
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    external: External | None = None
    ready_within: float = 60.0


class Stack:
    """`async with Stack(home, settings) as stack`: up and ready inside, nothing left after.

    At the end the services stop first, then the inbox, Kafka and PostgreSQL. Must be entered from
    the thread that runs the event loop for as long as the stack lives.
    """

    def __init__(self, home: Path, settings: Settings | None = None, *, report: Report = silent) -> None:
        self._settings: Settings = settings or Settings()
        self._report: Report = report
        self._servers: Servers = Servers(
            home,
            durable=self._settings.durable,
            external=self._settings.external,
            report=report,
        )
        self._open: AsyncExitStack = AsyncExitStack()
        self._urls: dict[str, str] = {}

    @property
    def home(self) -> Home:
        return self._servers.home

    @property
    def addresses(self) -> Addresses:
        return replace(self._servers.addresses, services=self._urls)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening:
            await opening.enter_async_context(self._servers)
            for prepare in self._settings.prepare:
                self._report("Preparing the database and topics")
                await prepare(self.addresses)
            opening.push_async_callback(self._servers.roster.stop, self._settings.services)
            await self._start_services()
            self.addresses.save(self.home.path)
            self._open = opening.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._report("Stopping")
        await self._open.aclose()

    async def kill(self, name: str, sent: signal.Signals = signal.SIGKILL) -> None:
        """Signals a service or server and returns when it is gone; it will be started again."""
        await self._servers.kill(name, sent)

    async def restart(self, name: str) -> None:
        """Stops a service or server with grace; returns when it is ready again."""
        await self._servers.restart(name)

    async def wait_ready(self, *names: str) -> None:
        """Returns when these (all when none is named) are ready; raises when one can't be."""
        await self._servers.wait_ready(*names)

    async def failure(self) -> StartFailed:
        """Returns, with the reason, when something can't be kept running any more."""
        return await self._servers.roster.failure()

    def hurry(self) -> None:
        """For the second Ctrl-C: whatever is still to be stopped gets no grace."""
        self._servers.roster.hurry()

    async def _start_services(self) -> None:
        names = self._settings.services
        if "console" in names:
            ensure_accounts(self.home.path / "secrets", known_clinics())
        ports = self.home.ports(names)
        self._urls = {name: http_address(ports[name]) for name in names}
        for name in names:
            self._report(f"Starting {name}")
            self._servers.roster.start(self._program(name, ports[name]))
        await self._servers.wait_ready(*names)

    def _program(self, name: str, port: int) -> Program:
        environment = {
            **os.environ,
            **self.addresses.environment(),
            "STRIDE_HTTP_PORT": str(port),
            "STRIDE_SERVICES": ",".join(f"{service}={url}" for service, url in self._urls.items()),
            "STRIDE_HOME": str(self.home.path),
            "STRIDE_OFFERS_URL": self._urls.get("scheduling", ""),
            "STRIDE_CONSOLE_URL": self._urls.get("console", ""),
            "PYTHONUNBUFFERED": "1",
            **self._settings.environment,
        }
        return Program(
            name=name,
            command=(sys.executable, "-m", f"{self._settings.package}.{name}"),
            environment=environment,
            log=self.home.log(name),
            probe=lambda: http_ok(f"{http_address(port)}/health/ready"),
            early_exits=3,
            ready_within=self._settings.ready_within,
        )
