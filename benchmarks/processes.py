"""The processes that are measured: started, stopped in their tracks, let go on, ended."""

import asyncio
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

import psutil

from benchmarks.ground import Ground, cpu_seconds
from stride.embedded.errors import StartFailed
from stride.embedded.logs import tail
from stride.embedded.program import Program
from stride.embedded.spawn import spawn

_GRACE = 20.0


class Runs(Protocol):
    """Whatever is a process."""

    def program(self, ground: Ground, number: int) -> Program:
        """How to run it; `number` tells apart several that share the work."""
        ...


@dataclass(frozen=True, slots=True)
class Running:
    """Processes that are on, and how each was started."""

    programs: list[Program]
    processes: list[Process]

    def signal(self, number: signal.Signals) -> None:
        """To each that still lives."""
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.send_signal(number)

    def check(self) -> None:
        """Raise StartFailed, with the end of its log, when one has ended."""
        for program, process in zip(self.programs, self.processes, strict=True):
            if process.returncode is not None:
                self.give_up(program, f"ended with exit code {process.returncode}")

    def give_up(self, program: Program, reason: str) -> None:
        """Raise StartFailed with the end of the log."""
        raise StartFailed(program.name, reason, program.log, tail(program.log))

    @property
    def cpu(self) -> float:
        """CPU seconds of all so far."""
        return sum(cpu_seconds(process.pid) for process in self.processes)

    @property
    def resident_bytes(self) -> int:
        """Memory that all hold now."""
        total = 0
        for process in self.processes:
            with suppress(psutil.NoSuchProcess):
                total += psutil.Process(process.pid).memory_info().rss
        return total


@asynccontextmanager
async def running(ground: Ground, what: Runs, processes: int = 1) -> AsyncGenerator[Running]:
    """So many processes of `what` for as long as the block lasts; ended with grace."""
    programs = [what.program(ground, number) for number in range(processes)]
    on = Running(programs, [await spawn(program) for program in programs])
    try:
        yield on
    finally:
        on.signal(signal.SIGCONT)
        on.signal(signal.SIGTERM)
        await asyncio.gather(*(_gone(process) for process in on.processes))


async def _gone(process: Process) -> None:
    try:
        async with asyncio.timeout(_GRACE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
