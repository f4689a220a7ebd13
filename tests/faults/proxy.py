"""A TCP proxy of our own: it stands between a service and a server, and breaks what passes.

    async with Proxy(server_port) as proxy:
        proxy.freeze()

Kafka's clients go on to the address that the broker tells them, so its proxy has to listen on the
port that a listener of the broker's own advertises (`side_door` of `stride.embedded.servers.Servers`).
"""

import asyncio
import re
import socket
import struct
from typing import Self

from stride.embedded.ports import LOOPBACK

COMMIT = re.compile(rb"Q\x00\x00\x00.COMMIT;?\x00", re.DOTALL)
"""A client's COMMIT in PostgreSQL's simple query protocol."""
PRODUCE = re.compile(rb"\x00\x00\x00[\x00-\x0f].{4}\x00.aiokafka-producer", re.DOTALL)
"""The head of a produce request (API key 0) of an aiokafka producer."""

_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, 0 s: closing then sends RST, as a dying machine or a firewall does."""


class Proxy:
    """Passes bytes between clients and `target` (a port of the loopback address) until told otherwise.

    What passes can be stopped (`freeze`), slowed (`delay`, s), cut (`cut`, `refuse`) or lost on the
    way back (`drop_replies`, `drop_reply_to`); `heal` ends all of that for connections to come and,
    but for those that lost bytes, for those that are open.
    """

    def __init__(self, target: int, port: int = 0) -> None:
        self.port = port
        """Where it listens; chosen at the start where 0 was given."""
        self.dropped = 0
        """Bytes of replies that were thrown away."""
        self.delay = 0.0
        """Seconds that every chunk waits, either way."""
        self._target = target
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._gate = asyncio.Event()
        self._gate.set()
        self._replies_left: int | None = None
        self._lose_reply_to: re.Pattern[bytes] | None = None
        self._times_left = 0

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()
        self._gate.set()
        await asyncio.gather(*(link.ended for link in self._links), return_exceptions=True)

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        return len(self._links)

    def cut(self) -> None:
        """Reset all connections; new ones are welcome."""
        for link in self._links:
            link.cut()

    async def refuse(self) -> None:
        """Reset all connections and refuse new ones, until `heal`."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()

    def freeze(self) -> None:
        """Accept connections and bytes, pass nothing on, either way, until `heal`."""
        self._gate.clear()

    def drop_replies(self, after: int = 0) -> None:
        """Throw away what servers answer, once `after` more bytes of it have passed, until `heal`."""
        self._replies_left = after

    def drop_reply_to(self, request: re.Pattern[bytes], times: int = 1) -> None:
        """Let the next `times` requests of this kind through; lose what is answered and reset the connection."""
        self._lose_reply_to, self._times_left = request, times

    @property
    def replies_lost(self) -> bool:
        """Whether all that `drop_reply_to` asked for has happened."""
        return self._times_left == 0

    async def heal(self) -> None:
        """Be a plain wire again."""
        self.delay, self._replies_left, self._lose_reply_to = 0.0, None, None
        self._gate.set()
        if self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(self, writer)
        if self._server is None:  # it came in the moment of `refuse`, after all others had been reset
            link.cut()
            return
        self._links.add(link)
        try:
            await self._gate.wait()
            await link.run(reader, await asyncio.open_connection(LOOPBACK, self._target))
        except OSError:
            link.cut()
        finally:
            self._links.discard(link)
            link.ended.set_result(None)

    async def hold_back(self) -> None:
        """Wait as long as bytes have to wait now."""
        await self._gate.wait()
        if self.delay:
            await asyncio.sleep(self.delay)

    def loses_reply_to(self, request: bytes) -> bool:
        """Whether the reply to this request is one to be lost."""
        if not self._times_left or self._lose_reply_to is None or not self._lose_reply_to.search(request):
            return False
        self._times_left -= 1
        return True

    def passes(self, reply: bytes) -> bytes:
        """What of a reply goes on to the client."""
        if self._replies_left is None:
            return reply
        passed = reply[: self._replies_left]
        self._replies_left -= len(passed)
        self.dropped += len(reply) - len(passed)
        return passed


class _Link:
    """One client's connection and ours to the server on its behalf."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._proxy = proxy
        self._writers = [client]
        self._reply_is_lost = False

    async def run(
        self, from_client: asyncio.StreamReader, server: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    ) -> None:
        """Pass bytes both ways until either side ends."""
        from_server, to_server = server
        (to_client,) = self._writers
        self._writers.append(to_server)
        pumps = [
            asyncio.create_task(self._requests(from_client, to_server)),
            asyncio.create_task(self._replies(from_server, to_client)),
        ]
        _, left = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in left:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        for writer in self._writers:
            writer.close()

    def cut(self) -> None:
        """Reset both sides."""
        for writer in self._writers:
            raw = writer.get_extra_info("socket")
            if raw is not None and not writer.transport.is_closing():
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            await self._proxy.hold_back()
            if self._proxy.loses_reply_to(data):
                self._reply_is_lost = True
            writer.write(data)
            await writer.drain()

    async def _replies(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            if self._reply_is_lost:
                self._proxy.dropped += len(data)
                self.cut()
                return
            await self._proxy.hold_back()
            writer.write(self._proxy.passes(data))
            await writer.drain()
