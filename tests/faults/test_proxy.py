"""The proxy breaks connections in the way each of its methods says, and no other."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from stride.embedded.ports import LOOPBACK
from tests.faults.proxy import Proxy

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Echo:
    """A server that answers each line with itself; it remembers what it was told."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self.heard.append(line)
            writer.write(line)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def proxied() -> AsyncGenerator[tuple[Proxy, Echo]]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, LOOPBACK, 0)
    async with Proxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy, echo
    server.close()


@asynccontextmanager
async def connected(proxy: Proxy) -> AsyncGenerator[Streams]:
    reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
    yield reader, writer
    writer.close()


async def ask(streams: Streams, word: bytes, seconds: float = 5) -> bytes:
    """The answer; empty where the connection was closed."""
    reader, writer = streams
    writer.write(word + b"\n")
    async with asyncio.timeout(seconds):
        return (await reader.readline()).strip()


async def test_it_passes_bytes_both_ways() -> None:
    async with proxied() as (proxy, _), connected(proxy) as one, connected(proxy) as other:
        assert [await ask(one, b"a"), await ask(other, b"b"), await ask(one, b"c")] == [b"a", b"b", b"c"]
        assert proxy.connections == 2


async def test_cut_resets_connections_and_takes_new_ones() -> None:
    async with proxied() as (proxy, _), connected(proxy) as streams:
        await ask(streams, b"a")
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            await ask(streams, b"b")
        async with connected(proxy) as again:
            assert await ask(again, b"c") == b"c"


async def test_refuse_resets_and_refuses_until_healed_on_the_same_port() -> None:
    async with proxied() as (proxy, _), connected(proxy) as streams:
        await ask(streams, b"a")
        port = proxy.port
        await proxy.refuse()
        with pytest.raises(ConnectionResetError):
            await ask(streams, b"b")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(LOOPBACK, port)
        await proxy.heal()
        assert proxy.port == port
        async with connected(proxy) as again:
            assert await ask(again, b"c") == b"c"


async def test_freeze_accepts_and_passes_nothing_until_healed() -> None:
    async with proxied() as (proxy, echo), connected(proxy) as old:
        await ask(old, b"a")
        proxy.freeze()
        async with connected(proxy) as new:
            asking = [asyncio.create_task(ask(streams, b"b")) for streams in (old, new)]
            done, _ = await asyncio.wait(asking, timeout=0.2)
            assert (done, echo.heard) == (set(), [b"a\n"])
            await proxy.heal()
            assert await asyncio.gather(*asking) == [b"b", b"b"]


async def test_delay_slows_both_ways() -> None:
    async with proxied() as (proxy, _), connected(proxy) as streams:
        proxy.delay = 0.05
        began = asyncio.get_running_loop().time()
        assert await ask(streams, b"a") == b"a"
        assert asyncio.get_running_loop().time() - began >= 0.1


async def test_dropped_replies_are_lost_while_requests_arrive() -> None:
    async with proxied() as (proxy, echo), connected(proxy) as streams:
        proxy.drop_replies(after=3)
        assert await ask(streams, b"ab") == b"ab"
        with pytest.raises(TimeoutError):
            await ask(streams, b"cd", seconds=0.2)
        assert echo.heard == [b"ab\n", b"cd\n"]
        assert proxy.dropped == 3


async def test_the_reply_to_one_request_is_lost_after_the_server_has_answered() -> None:
    async with proxied() as (proxy, echo), connected(proxy) as streams:
        proxy.drop_reply_to(re.compile(b"COMMIT"))
        assert await ask(streams, b"INSERT") == b"INSERT"
        assert not proxy.replies_lost
        with pytest.raises(ConnectionResetError):
            await ask(streams, b"COMMIT")
        assert echo.heard == [b"INSERT\n", b"COMMIT\n"]
        assert proxy.replies_lost
        async with connected(proxy) as again:
            assert await ask(again, b"COMMIT") == b"COMMIT"
