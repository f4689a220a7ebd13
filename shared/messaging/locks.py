"""One process at a time decides on a state: locks by key, held until the transaction ends."""

from collections.abc import Iterable
from functools import lru_cache
from zlib import crc32

from aiokafka.partitioner import murmur2
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import fetch

_STRIPES = 4096
_LOCK = text("""
    SELECT count(pg_advisory_xact_lock(:lock_class, stripe)) FROM unnest(CAST(:stripes AS int[])) AS stripe
""")


async def lock(tx: AsyncConnection, service: str, keys: Iterable[str]) -> None:
    """Take the locks of `keys` for `service`. Stripes are locked in order: no deadlock."""
    stripes = sorted({_stripe(key) for key in keys})
    await fetch(tx, _LOCK, {"lock_class": _lock_class(service), "stripes": stripes})


@lru_cache(maxsize=20_000)
def kafka_hash(key: bytes) -> int:
    """The number by which Kafka's clients choose a key's partition: its remainder by their count."""
    return murmur2(key) & 0x7FFFFFFF


def _stripe(key: str) -> int:
    """By Kafka's own hash: keys of different partitions never share a stripe (partitions a power of two).

    So the batches of two processes, or of one process's lanes, don't wait for each other.
    """
    return kafka_hash(key.encode()) % _STRIPES


def _lock_class(service: str) -> int:
    """Advisory locks are the whole database's: each service has its own, or they would wait for each other."""
    return crc32(service.encode()) >> 1
