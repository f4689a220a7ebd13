"""A process that has imported the runtime and forks replicas on request: one is up in a moment, not in seconds.

Requests are JSON lines on standard input, `{"environment": {...}, "log": PATH}`; answers are JSON
lines on standard output, `{"born": PID}` in order of the requests and `{"gone": PID, "code": CODE}`
(negative: the signal). It has one thread and no event loop, so forking is safe. When its input
ends, or it dies, its children are killed.
"""

import ctypes
import gc
import json
import os
import select
import signal
import sys
from collections.abc import Iterator

from tests.faults.harness import child

_LOOK_SECONDS = 0.02
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def main() -> None:
    """Serve until standard input ends."""
    gc.freeze()
    children: set[int] = set()
    for line in _lines():
        if line:
            children.add(_fork(json.loads(line)))
        _reap(children)
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _lines() -> Iterator[bytes]:
    """Requests as they come; an empty one at least every 20 ms, so that the dead are noticed."""
    rest = b""
    while True:
        ready, _, _ = select.select([0], [], [], _LOOK_SECONDS)
        if not ready:
            yield b""
            continue
        read = os.read(0, 65536)
        if not read:
            return
        *lines, rest = (rest + read).split(b"\n")
        yield from lines


def _fork(request: dict[str, object]) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(request, parent)
    _answer({"born": pid})
    return pid


def _become(request: dict[str, object], parent: int) -> None:
    """The child's whole life."""
    code = 1
    try:
        _die_with(parent)
        os.setsid()
        log = os.open(str(request["log"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for descriptor, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(descriptor, target)
        os.environ.clear()
        os.environ.update(request["environment"])  # pyright: ignore[reportArgumentType, reportCallIssue]
        child.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:  # noqa: BLE001  # its log is the only place that can tell
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _die_with(parent: int) -> None:
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(1)


def _reap(children: set[int]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        children.discard(pid)
        _answer({"gone": pid, "code": os.waitstatus_to_exitcode(status)})


def _answer(answer: dict[str, int]) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main()
