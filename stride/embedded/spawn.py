"""Starting a child that can't outlive its supervisor."""

import asyncio
import ctypes
import os
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Callable
from typing import Any

from stride.embedded.program import Account, Program

_PR_SET_PDEATHSIG = 1
# Loaded here and not in the forked child, where importing or allocating could meet a held lock.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _die_with(parent: int, death_signal: int) -> Callable[[], None] | None:
    """For the child to call before exec: the kernel shall signal it when its parent dies.

    Linux ties this to the *thread* that forked, so children are spawned from the event loop's
    thread, which has to last as long as they do. Other systems have no such call: there, a
    supervisor that is killed outright leaves its children behind.
    """
    if _LIBC is None:
        return None
    libc = _LIBC

    def in_child() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            os._exit(1)

    return in_child


def as_account(account: Account | None) -> dict[str, Any]:
    """What to tell a new process so that it runs as the account; nothing for our own."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


async def spawn(program: Program) -> Process:
    """Starts the program in a session of its own: Ctrl-C reaches the supervisor and not it."""
    log = os.open(program.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        return await asyncio.create_subprocess_exec(
            *program.command,
            stdin=DEVNULL,
            stdout=log,
            stderr=STDOUT,
            env=dict(program.environment),
            cwd=program.folder,
            start_new_session=True,
            preexec_fn=_die_with(os.getpid(), program.death_signal),
            **as_account(program.account),
        )
    finally:
        os.close(log)
