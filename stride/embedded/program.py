"""What to run: the description of one child process."""

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Probe = Callable[[], Awaitable[bool]]

EX_CONFIG = 78
"""Exit code by which a process says that its configuration is wrong: starting it again is vain."""


@dataclass(frozen=True, slots=True)
class Account:
    """The system account a child runs as; only root can give a child another one than its own."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Program:
    """One process to keep running.

    `probe` answers whether it is ready, and never raises for "not yet".
    `grace` is how many seconds it gets between `stop_signal` and SIGKILL.
    `death_signal` is what the kernel sends it if its supervisor dies without stopping it.
    `early_exits` is how often it may end before it was ever ready.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    probe: Probe
    folder: Path | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    grace: float = 20.0
    ready_within: float = 60.0
    early_exits: int = 2
