"""Running the stack from a command: what is wired in, and what a signal does."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from shared.provision import prepare
from stride.embedded import SERVICES, Addresses, EmbeddedError, External, Prepare, Settings, Stack
from stride.embedded.servers import Report


async def _provision(addresses: Addresses) -> None:
    await prepare(addresses.database_url, addresses.kafka_bootstrap)


# WIRING: what has to be done on the servers before the services start (schemas, topics).
# This is the only place where it is said.
PREPARE: Sequence[Prepare] = (_provision,)


def stack_settings(*, servers_only: bool = False, external: External | None = None) -> Settings:
    """The settings of Stride's own stack."""
    if servers_only:
        return Settings(services=(), external=external)
    return Settings(services=SERVICES, prepare=PREPARE, external=external)


def run_stack(
    home: Path,
    settings: Settings,
    inside: Callable[[Stack], Awaitable[None]],
    report: Report,
) -> None:
    """Runs `inside` on a stack that is up; SIGINT or SIGTERM ends it, a second one hurries.

    A spinner of `report` is the caller's to clear away (`Progress.done`) before it shows its own.
    """
    asyncio.run(_run_stack(Stack(home, settings, report=report), inside))


async def _run_stack(stack: Stack, inside: Callable[[Stack], Awaitable[None]]) -> None:
    work = asyncio.create_task(_inside(stack, inside))
    loop = asyncio.get_running_loop()

    def asked_to_stop() -> None:
        if work.cancelling():
            stack.hurry()
        else:
            work.cancel()

    for sent in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sent, asked_to_stop)
    try:
        await work
    except asyncio.CancelledError:
        return
    finally:
        for sent in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(sent)


async def _inside(stack: Stack, inside: Callable[[Stack], Awaitable[None]]) -> None:
    """The work on the stack; it ends early when the stack can't go on."""
    async with stack:
        work = asyncio.ensure_future(inside(stack))
        failure = asyncio.create_task(stack.failure())
        try:
            await asyncio.wait({work, failure}, return_when=asyncio.FIRST_COMPLETED)
            if failure.done():
                raise failure.result()
            await work
        finally:
            for task in (work, failure):
                task.cancel()


__all__ = ["PREPARE", "EmbeddedError", "run_stack", "stack_settings"]
