"""The cache folder: what was fetched or computed once and serves every home on this machine."""

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path


def cache_folder() -> Path:
    """`STRIDE_CACHE`, or `stride` in the user's cache folder."""
    given = os.environ.get("STRIDE_CACHE")
    if given:
        return Path(given).expanduser().absolute()
    user_cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(user_cache).expanduser().absolute() / "stride"


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """One process at a time fills the folder; the others wait and then find it filled."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@asynccontextmanager
async def locked_patiently(folder: Path) -> AsyncGenerator[None]:
    """The same for a holder that awaits: it asks again and again, and never blocks the loop."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _took(descriptor):  # noqa: ASYNC110 - another process gives no event
            await asyncio.sleep(0.1)
        yield
    finally:
        os.close(descriptor)


def _took(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
