"""The one broker: its log and groups behind the network, and whether it answers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiokafka.errors import TopicAuthorizationFailedError

from tests.simulation.kafka.group import Group
from tests.simulation.kafka.log import Log, Record
from tests.simulation.loop import VirtualLoop
from tests.simulation.network import Network

T = TypeVar("T")


class Broker:
    """Serves producers and consumers. While frozen, requests wait."""

    def __init__(self, loop: VirtualLoop, network: Network, partitions: int) -> None:
        self.loop = loop
        self.network = network
        self.process = loop.process("kafka")
        self.log = Log(partitions)
        self.groups: dict[str, Group] = {}
        self.batch = 500
        self.refusing = 0.0
        self._running = asyncio.Event()
        self._running.set()
        self._appended: list[asyncio.Future[None]] = []

    def group(self, name: str) -> Group:
        """The group of that name."""
        if name not in self.groups:
            self.groups[name] = Group(self.loop, self.process, self.log.partitions)
        return self.groups[name]

    def freeze(self) -> None:
        """Answer nobody, as a stopped process."""
        self._running.clear()

    def thaw(self) -> None:
        """Go on with everything that waited."""
        self._running.set()

    async def ask(self, work: Callable[[], Awaitable[T]]) -> T:
        """A request of a client.

        Raises:
            ConnectionLost: the request or the answer was lost.
        """

        async def when_running() -> T:
            await self._running.wait()
            return await work()

        return await self.network.call(self.process, when_running)

    def refuse_maybe(self) -> None:
        """Refuse a record with a chance of `refusing`, 0 to 1.

        Raises:
            TopicAuthorizationFailedError: it is refused; the same record may be taken later.
        """
        if self.refusing and self.loop.random.random() < self.refusing:
            raise TopicAuthorizationFailedError

    def append(
        self, topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
    ) -> Record:
        """Add a record, and wake those who wait for one."""
        record = self.log.append(topic, key, value, tuple(headers))
        self.wake()
        return record

    def wake(self) -> None:
        """Have everybody who waits for records look again."""
        waiting, self._appended = self._appended, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def more(self, seconds: float) -> None:
        """Wait until something is appended, or for `seconds`."""
        future: asyncio.Future[None] = self.loop.create_future()
        self._appended.append(future)
        await asyncio.wait([future], timeout=seconds)
