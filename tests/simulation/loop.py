"""An event loop whose time and order are the seed's: no sleeping, no sockets, no threads.

Each simulated process has a queue of its own, first in first out as asyncio has it; which
process goes next is drawn. When none can go, time jumps to the next timer.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
_DIGEST = (1 << 61) - 1


@dataclass(eq=False, slots=True)
class Process:
    """One simulated process: what it has to do next, and whether it is alive or stopped."""

    name: str
    number: int
    context: Context
    ready: deque[asyncio.Handle] = field(default_factory=deque)
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    at_death: list[Callable[[], None]] = field(default_factory=list)
    alive: bool = True
    stopped: bool = False


PROCESS: ContextVar[Process] = ContextVar("PROCESS")


class Stalled(Exception):
    """Nothing is ready and no timer runs: somebody waits for what nobody will do."""


class VirtualLoop(asyncio.AbstractEventLoop):
    """Runs the simulated processes. `before_step` may kill the process whose turn it is."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.before_step: Callable[[Process], None] = lambda _: None
        self.surprises: list[str] = []
        self.trace: deque[tuple[float, str, str]] = deque(maxlen=2_000)
        self.steps = 0
        self.digest = 0
        self._order = Random(seed + 1)
        self._now = 0.0
        self._timers: list[tuple[float, int, asyncio.TimerHandle, Process]] = []
        self._numbers = 0
        self._runnable: list[Process] = []
        self._processes: list[Process] = []
        self.outside = self.process("outside")

    def process(self, name: str) -> Process:
        """A new process with nothing to do yet."""
        process = Process(name, len(self._processes), copy_context())
        process.context.run(PROCESS.set, process)
        self._processes.append(process)
        return process

    def spawn(self, process: Process, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Have `process` do `work`."""
        return self.create_task(work, context=process.context)

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run until `main` ends, and drop whatever else was under way.

        Raises:
            Stalled: nothing can go on.
        """
        task = self.spawn(self.outside, main)
        asyncio._set_running_loop(self)
        try:
            while not task.done():
                self._step()
            return task.result()
        finally:
            asyncio._set_running_loop(None)
            for process in self._processes:
                process.alive = False
                _bury(process)

    def note(self, what: str) -> None:
        """A line of the schedule, under the name of the process at work."""
        self.trace.append((self._now, PROCESS.get().name, what))

    def kill(self, process: Process) -> None:
        """As kill -9: nothing of it runs any more, no `finally` either."""
        if not process.alive:
            return
        process.alive = False
        process.ready.clear()
        if process in self._runnable:
            self._runnable.remove(process)
        for noticed in process.at_death:
            noticed()

    def stop_process(self, process: Process) -> None:
        """As SIGSTOP: what comes in waits."""
        process.stopped = True
        if process in self._runnable:
            self._runnable.remove(process)

    def resume_process(self, process: Process) -> None:
        """As SIGCONT."""
        process.stopped = False
        if process.alive and process.ready and process not in self._runnable:
            self._runnable.append(process)

    def _step(self) -> None:
        if not self._runnable:
            if not self._timers:
                raise Stalled(f"after {self._now:.1f} s")
            self._now = max(self._now, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self._now:
            _, _, timer, process = heapq.heappop(self._timers)
            self._enqueue(timer, process)
        if not self._runnable:
            return
        process = self._runnable[int(self._order.random() * len(self._runnable))]
        handle = process.ready.popleft()
        if not process.ready:
            self._runnable.remove(process)
        if handle.cancelled():
            return
        self.steps += 1
        self.before_step(process)
        if process.alive:
            self.digest = (self.digest * 1_000_003 + process.number * 64 + len(process.ready)) % _DIGEST
            handle._run()  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue, reportUnknownMemberType]

    def _enqueue(self, handle: asyncio.Handle, process: Process) -> None:
        if not process.alive or handle.cancelled():
            return
        if not process.ready and not process.stopped:
            self._runnable.append(process)
        process.ready.append(handle)

    # What asyncio asks of a loop.

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, coro: Coroutine[Any, Any, T], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[T]:
        task = asyncio.Task(coro, loop=self, name=name, context=context or copy_context())
        (context or copy_context())[PROCESS].tasks.append(task)
        return task

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        context = context or copy_context()
        handle = asyncio.Handle(callback, args, self, context)
        self._enqueue(handle, context[PROCESS])
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        context = context or copy_context()
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._numbers += 1
        heapq.heappush(self._timers, (when, self._numbers, timer, context[PROCESS]))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is skipped when its time has come."""

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if "never retrieved" in str(context.get("message")):
            return  # a future of somebody who was killed; said when memory is freed, so not by the seed
        self.surprises.append(f"{context.get('message')}: {error!r}")


def _bury(process: Process) -> None:
    """Close what never ended, so that no destructor speaks up later."""
    for task in process.tasks:
        task._log_destroy_pending = False  # pyright: ignore[reportAttributeAccessIssue]
        if task.done():
            if not task.cancelled():
                task.exception()
            continue
        for _ in range(5):
            try:
                task.get_coro().close()  # pyright: ignore[reportOptionalMemberAccess]
            except BaseException:  # noqa: BLE001  # a `finally` of the dead still tries to work
                continue
            break
    process.tasks.clear()
    process.ready.clear()
