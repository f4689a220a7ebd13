"""One replica of the ledger service as the fault sees it, and the nursery that forks them."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil

from shared.settings import ROOT
from stride.embedded.probes import http_ok


class Replica:
    """A process that runs, or ran, the ledger service."""

    def __init__(self, pid: int, port: int, log: Path) -> None:
        self.pid = pid
        self.port = port
        self.log = log
        self.doomed = False
        """Whether it is going to be killed."""
        self.gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """Its exit code once it is gone; negative: the signal that ended it."""

    @property
    def alive(self) -> bool:
        """Whether it has not ended (a stopped one has not)."""
        return not self.gone.done()

    @property
    def frozen(self) -> bool:
        """Whether it stands still by SIGSTOP."""
        return self.alive and psutil.Process(self.pid).status() == psutil.STATUS_STOPPED

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; one that is gone gets none."""
        if self.alive:
            with suppress(ProcessLookupError):  # it ended, and nobody has noticed yet
                os.kill(self.pid, number)

    async def ended(self, seconds: float = 20) -> int:
        """Its exit code, as soon as it is gone.

        Raises:
            TimeoutError: it is still there after `seconds`.
        """
        async with asyncio.timeout(seconds):
            return await asyncio.shield(self.gone)

    async def is_ready(self) -> bool:
        """What its own readiness check says."""
        return await http_ok(f"http://127.0.0.1:{self.port}/health/ready")

    async def ready(self, seconds: float = 30) -> None:
        """Return when it is ready: connected, and with partitions of its own.

        Raises:
            TimeoutError: it is not within `seconds`.
            RuntimeError: it has ended; its log says why.
        """
        async with asyncio.timeout(seconds):
            while not await self.is_ready():
                if not self.alive:
                    raise RuntimeError(f"It ended with exit code {self.gone.result()}: {self.log}")
                await asyncio.sleep(0.05)


class Nursery:
    """`async with Nursery(folder) as nursery`: forks replicas; those that live at the end are killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: Process | None = None
        self._asked: deque[tuple[asyncio.Future[Replica], int, Path]] = deque()
        self._replicas: dict[int, Replica] = {}
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        with (self._folder / "nursery.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.faults.harness.nursery"),
                stdin=PIPE,
                stdout=PIPE,
                stderr=log,
                cwd=ROOT,
                start_new_session=True,
            )
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        if self._reading:
            await self._reading

    async def fork(self, environment: Mapping[str, str], port: int, log: Path) -> Replica:
        """A new replica; it is connecting, not ready yet."""
        assert self._process is not None
        assert self._process.stdin is not None
        born: asyncio.Future[Replica] = asyncio.get_running_loop().create_future()
        self._asked.append((born, port, log))
        request = {"environment": {**environment, "STRIDE_HTTP_PORT": str(port)}, "log": str(log)}
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        async with asyncio.timeout(30):
            return await born

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            answer: dict[str, int] = json.loads(line)
            if "born" in answer:
                born, port, log = self._asked.popleft()
                replica = Replica(answer["born"], port, log)
                self._replicas[replica.pid] = replica
                born.set_result(replica)
            else:
                self._replicas.pop(answer["gone"]).gone.set_result(answer["code"])
