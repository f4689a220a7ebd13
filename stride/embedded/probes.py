"""Is a server ready? Asked in its own protocol: an open port alone proves little."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

_OK = 200


async def connects(host: str, port: int, within: float = 1.0) -> bool:
    """Whether something listens there."""
    try:
        async with asyncio.timeout(within):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


async def kafka_answers(bootstrap: str, within: float = 5.0) -> bool:
    """Whether a broker tells of its cluster and of at least one node able to serve."""
    host, _, port = bootstrap.split(",", maxsplit=1)[0].rpartition(":")
    if not await connects(host, int(port)):
        return False
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=2_000)
    try:
        async with asyncio.timeout(within):
            await admin.start()
            cluster = await admin.describe_cluster()
            return bool(cluster["brokers"])
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await admin.close()


async def http_ok(url: str, within: float = 2.0) -> bool:
    """Whether a GET is answered with 200."""
    try:
        async with httpx.AsyncClient(timeout=within, trust_env=False) as client:
            return (await client.get(url)).status_code == _OK
    except httpx.HTTPError:
        return False


async def smtp_greets(url: str, within: float = 2.0) -> bool:
    """Whether the server at an smtp:// address greets with 220."""
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 25)
            greeting = await reader.readline()
            writer.close()
    except (OSError, TimeoutError):
        return False
    return greeting.startswith(b"220")
