"""A process that does notifications' work and is killed at it: where, its life is told when it starts.

A death is `point:n`, at the n-th passage, or `outside:seconds`. The points hang on the libraries below
the sender (asyncpg, aiosmtplib), not on its own code.
"""

import asyncio
import functools
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Final

import aiosmtplib
from asyncpg.transaction import Transaction

from benchmarks.notifications.office import Place, office
from benchmarks.notifications.people import course

POINTS: Final = {
    "before-commit": "all written, COMMIT not sent",
    "inside-commit": "COMMIT sent, no answer read",
    "after-commit": "committed, nothing done with it yet",
    "before-data": "that it goes out is committed, nothing of the message sent",
    "inside-data": "somewhere between the message's first byte and the server's answer",
    "after-data": "the server has taken it, that is not written down",
}
_PAUSE = 0.02
Call = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Life:
    """Which patients it admits, when their appointments are, and how it ends."""

    numbers: range
    start: datetime
    death: str
    seed: int


def live(place: Place, life: Life, log: Path) -> None:
    """Admit patients, send what is due, and die as told."""
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(descriptor, sys.stdout.fileno())
    os.dup2(descriptor, sys.stderr.fileno())
    asyncio.run(_live(place, life))


async def _live(place: Place, life: Life) -> None:
    point, _, when = life.death.partition(":")
    if point == "outside":
        asyncio.get_running_loop().call_later(float(when), _die)
    else:
        _arm(point, int(when), Random(life.seed))
    async with office(place) as at, at.sending():
        for number in life.numbers:
            await at.admit(course(place.clinic_id, number, life.start))
            await asyncio.sleep(_PAUSE)
        await asyncio.Event().wait()


def _arm(point: str, passage: int, chance: Random) -> None:
    left = passage

    def here(name: str) -> bool:
        nonlocal left
        left -= name == point
        return name == point and left == 0

    async def around(call: Call, what: str) -> Any:
        if here(f"before-{what}"):
            _die()
        if here(f"inside-{what}"):
            calling = asyncio.ensure_future(call())
            await asyncio.sleep(chance.choice((0, 0, 0.0005, 0.002, 0.01)))
            _die()
            return await calling
        result = await call()
        if here(f"after-{what}"):
            _die()
        return result

    for owner, name, what in ((Transaction, "commit", "commit"), (aiosmtplib.SMTP, "data", "data")):
        _wrap(owner, name, functools.partial(around, what=what))


def _wrap(owner: type, name: str, around: Callable[[Call], Awaitable[Any]]) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        return await around(functools.partial(original, *args, **kwargs))

    setattr(owner, name, wrapped)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
