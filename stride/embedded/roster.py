"""The processes of a stack by name, in the order they were started."""

import asyncio
import signal
from collections.abc import Iterable

from stride.embedded.errors import EmbeddedError, StartFailed
from stride.embedded.program import Program
from stride.embedded.side_by_side import side_by_side
from stride.embedded.supervised import Supervised


class Roster:
    """Starts, watches and stops processes; one that can't run fails the whole roster."""

    def __init__(self) -> None:
        self._members: dict[str, Supervised] = {}
        self._failure: StartFailed | None = None
        self._failed: asyncio.Event = asyncio.Event()
        self._hurry: asyncio.Event = asyncio.Event()

    def start(self, program: Program) -> None:
        member = self._members[program.name] = Supervised(program, self._fail)
        member.start()

    def names(self) -> list[str]:
        return list(self._members)

    def __getitem__(self, name: str) -> Supervised:
        try:
            return self._members[name]
        except KeyError:
            known = ", ".join(self._members) or "nothing"
            raise EmbeddedError(f"No process {name!r} in this stack; it runs {known}.") from None

    async def wait_ready(self, names: Iterable[str]) -> None:
        """Returns when all answer their probes; raises as soon as any process can't run."""
        ready = asyncio.create_task(side_by_side(*(self[name].wait_ready() for name in names)))
        failed = asyncio.create_task(self._failed.wait())
        try:
            await asyncio.wait({ready, failed}, return_when=asyncio.FIRST_COMPLETED)
            if self._failure is not None:
                raise self._failure
            await ready
        finally:
            ready.cancel()
            failed.cancel()

    async def failure(self) -> StartFailed:
        """Returns when a process can't be kept running, with the reason."""
        await self._failed.wait()
        assert self._failure is not None
        return self._failure

    async def kill(self, name: str, sent: signal.Signals) -> None:
        await self[name].kill(sent)

    async def stop(self, names: Iterable[str]) -> None:
        """Stops these side by side."""
        members = [self._members.pop(name) for name in names if name in self._members]
        await asyncio.gather(*(member.stop(self._hurry) for member in members))

    def hurry(self) -> None:
        """Gives up all grace: what is being stopped, or will be, is killed."""
        self._hurry.set()

    def _fail(self, failure: StartFailed) -> None:
        self._failure = self._failure or failure
        self._failed.set()
