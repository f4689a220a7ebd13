"""Looking at processes from outside."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterable
from pathlib import Path

import psutil

_STRIDE = "import sys; sys.argv[0] = 'stride'; from stride.cli import main; main()"


async def start_stride(*arguments: str | Path) -> Process:
    """The command line in a process of its own."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _STRIDE, *map(str, arguments)),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "STRIDE_DEBUG": ""},
    )


async def read_line(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        return (await process.stdout.readline()).decode()


def family(pid: int) -> list[psutil.Process]:
    """All that descends from a process."""
    return psutil.Process(pid).children(recursive=True)


async def all_gone(processes: Iterable[psutil.Process], within: float = 10.0) -> bool:
    async with asyncio.timeout(within):
        while any(_lives(process) for process in processes):
            await asyncio.sleep(0.05)
    return True


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
