"""The only place that asks what time it is.

Domain code takes `now`; everything else takes a `Clock`. A demo or a test drives time
through a `FileClock`: eight bytes that every process of the stack reads.
"""

import mmap
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS = struct.Struct("<q")


class Clock(Protocol):
    """Tells the time of the clinic's world, as an aware datetime in UTC."""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.now(UTC)


class FileClock:
    """A clock that stands still until somebody moves it, shared by processes through a file.

    An aligned eight-byte store is atomic on every platform we run on, so a reader never
    sees half a time.
    """

    def __init__(self, path: Path) -> None:
        """Open the clock at `path`; `FileClock.create` makes one.

        Raises:
            FileNotFoundError: there is no clock at `path`.
        """
        with path.open("r+b") as file:
            self._cell = mmap.mmap(file.fileno(), _MICROSECONDS.size)

    @classmethod
    def create(cls, path: Path, start: datetime) -> "FileClock":
        """Make (or reset) the clock at `path` so that it shows `start`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_MICROSECONDS.pack(0))
        clock = cls(path)
        clock.set(start)
        return clock

    def now(self) -> datetime:
        """The moment the clock was last set to, in UTC."""
        (microseconds,) = _MICROSECONDS.unpack_from(self._cell)
        return _EPOCH + timedelta(microseconds=int(microseconds))

    def set(self, moment: datetime) -> None:
        """Move the clock to `moment` (aware)."""
        _MICROSECONDS.pack_into(self._cell, 0, (moment - _EPOCH) // timedelta(microseconds=1))


def wall_seconds() -> float:
    """Seconds since 1970 by the machine's clock, for measuring, whatever the clinic's clock says."""
    return time.time()


def open_clock(path: str) -> Clock:
    """The clock that settings name: a file clock at `path`, or the machine's where it is empty."""
    return FileClock(Path(path)) if path else SystemClock()
