"""One child process kept running: watched, restarted with backoff, stopped with grace."""

import asyncio
import os
import signal
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from contextlib import suppress

from stride.embedded.errors import NotReady, StartFailed
from stride.embedded.logs import note, rotate, tail
from stride.embedded.program import EX_CONFIG, Program
from stride.embedded.spawn import spawn

_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.2, 5.0
_STEADY = 10.0
"""Seconds after which a process counts as steady, and its next crash starts backoff anew."""
_PROBE_EVERY = 0.05

OnFailure = Callable[[StartFailed], None]


class Supervised:
    """Keeps one program running until `stop`; tells `on_failure` when it can't."""

    def __init__(self, program: Program, on_failure: OnFailure) -> None:
        self.program: Program = program
        self.restarts: int = 0
        self._on_failure: OnFailure = on_failure
        self._ready: asyncio.Event = asyncio.Event()
        self._gone: asyncio.Event = asyncio.Event()
        self._process: Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._was_ready: bool = False
        self._stopping: bool = False

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        rotate(self.program.log)
        self._task = asyncio.create_task(self._keep_running(), name=self.program.name)

    async def wait_ready(self) -> None:
        """Returns when the process that runs now answers its probe."""
        try:
            await asyncio.wait_for(self._ready.wait(), self.program.ready_within)
        except TimeoutError:
            raise NotReady(
                f"{self.program.name} was not ready within {self.program.ready_within:.0f} s; "
                f"its log is {self.program.log}"
            ) from None

    async def kill(self, sent: signal.Signals) -> None:
        """Signals the process and returns when it is gone; it will be started again.

        A process that is only paused (SIGSTOP) or woken (SIGCONT) is not waited for.
        """
        if self._process is None:
            return
        gone = self._gone
        self._signal(self._process, sent)
        if sent not in (signal.SIGSTOP, signal.SIGCONT):
            await gone.wait()

    async def restart(self) -> None:
        """Stops the process with grace and returns when its successor is ready."""
        if self._process is not None:
            await self._end(self._process, asyncio.Event())
        await self.wait_ready()

    async def stop(self, hurry: asyncio.Event) -> None:
        """Stops for good: its stop signal, its grace (none once `hurry` is set), then SIGKILL."""
        self._stopping = True
        if self._process is not None:
            await self._end(self._process, hurry)
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _keep_running(self) -> None:
        backoff, exits = _FIRST_BACKOFF, 0
        while not self._stopping:
            started = time.monotonic()
            code = await self._run_once()
            exits += 1
            if self._stopping or self._gave_up(code, exits):
                return
            if time.monotonic() - started > _STEADY:
                backoff = _FIRST_BACKOFF
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, _LONGEST_BACKOFF)
            self.restarts += 1

    async def _run_once(self) -> int:
        self._gone = asyncio.Event()
        try:
            self._process = process = await spawn(self.program)
        except OSError as error:
            note(self.program.log, f"could not start {self.program.command[0]}: {error}")
            return EX_CONFIG
        probing = asyncio.create_task(self._probe_until_ready())
        try:
            return await process.wait()
        finally:
            probing.cancel()
            self._ready.clear()
            if process.returncode is None:
                self._signal(process, signal.SIGKILL)
            else:
                self._process = None
            self._gone.set()

    async def _probe_until_ready(self) -> None:
        while not await self.program.probe():  # noqa: ASYNC110 - another process gives no event
            await asyncio.sleep(_PROBE_EVERY)
        self._was_ready = True
        self._ready.set()

    def _gave_up(self, code: int, exits: int) -> bool:
        """A wrong configuration does not mend itself, nor what never once came up."""
        never_up = not self._was_ready and exits >= self.program.early_exits
        if code != EX_CONFIG and not never_up:
            return False
        reason = "refused its configuration" if code == EX_CONFIG else "ended before it was ready"
        self._on_failure(
            StartFailed(
                self.program.name,
                f"{reason} (exit code {code})",
                self.program.log,
                tail(self.program.log),
                EX_CONFIG if code == EX_CONFIG else 1,
            )
        )
        return True

    async def _end(self, process: Process, hurry: asyncio.Event) -> None:
        gone = self._gone
        if not hurry.is_set():
            self._signal(process, self.program.stop_signal)
            await _first(gone, hurry, within=self.program.grace)
        if not gone.is_set():
            self._signal(process, signal.SIGKILL)
            await gone.wait()

    def _signal(self, process: Process, sent: signal.Signals) -> None:
        """To the process; SIGKILL to its whole session, lest a grandchild stay behind."""
        with suppress(ProcessLookupError):
            if sent is signal.SIGKILL:
                os.killpg(process.pid, sent)
            else:
                process.send_signal(sent)


async def _first(one: asyncio.Event, other: asyncio.Event, within: float) -> None:
    """Returns when either is set or the time is up."""
    waits = [asyncio.create_task(one.wait()), asyncio.create_task(other.wait())]
    try:
        await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
