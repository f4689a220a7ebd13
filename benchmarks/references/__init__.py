"""What Stride is measured against. Each runs as a process of its own and reads what Stride reads."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import uvloop


def run(work: Coroutine[Any, Any, None]) -> None:
    """Do `work` until SIGTERM, and let it leave its group in order."""

    async def until_told() -> None:
        task = asyncio.ensure_future(work)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        with suppress(asyncio.CancelledError):
            await task

    uvloop.run(until_told())


def tell(applied: int) -> None:
    """Tell the bench how many more events are applied and committed: one line on standard output."""
    sys.stdout.write(f"{applied}\n")
    sys.stdout.flush()


def arguments(description: str | None) -> argparse.Namespace:
    """Where the servers are and what to read: the same for every reference."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--bootstrap", required=True, help="Kafka, host:port")
    parser.add_argument("--database", required=True, help="PostgreSQL, a URL")
    parser.add_argument("--group", required=True, help="consumer group")
    parser.add_argument("--batch", type=int, default=0, help="records a batch; 0: the reference's own choice")
    parser.add_argument("topics", nargs="+")
    return parser.parse_args()
