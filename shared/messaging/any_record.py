"""Reading records whose header names are no UTF-8, which aiokafka can't.

Kafka's brokers take any bytes as a header's name. aiokafka raises UnicodeDecodeError on them for as
long as the record lies there: nothing behind it would be read, of any topic. Where that happens the
fetched bytes are read once more by aiokafka's own Python parser, with names that can't be decoded
written as `\\xff` escapes.
"""

import struct
from collections import deque
from collections.abc import Generator, Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import (
    _DefaultRecordBatchPy as PythonBatch,  # pyright: ignore[reportPrivateUsage]
)

_HEAD = struct.Struct(">qi")
"""Of a batch: the offset of its first record, and how many bytes follow."""


def install() -> None:
    """Have all consumers of this process read any record. Safe to repeat."""
    fetcher.MemoryRecords = _Kept
    fetcher.PartitionRecords = _AnyRecords


class _Kept:
    """Fetched records that keep their bytes, so that they can be read again."""

    def __init__(self, fetched: bytes, read: Any = fetcher.MemoryRecords) -> None:
        self.fetched = fetched
        records = read(fetched)
        self.has_next = records.has_next
        self.next_batch = records.next_batch
        self.size_in_bytes = records.size_in_bytes


class _AnyRecords(fetcher.PartitionRecords):
    _records: Any

    def _unpack_records(self) -> Generator[Any, Any, None]:
        try:
            yield from super()._unpack_records()
        except UnicodeDecodeError:
            self._records = _Lenient(self._records.fetched, self.next_fetch_offset)
            yield from super()._unpack_records()


class _Lenient:
    """The same records from the batch on that holds the offset `start`; header names in any encoding."""

    def __init__(self, fetched: bytes, start: int) -> None:
        batches = [_LenientBatch(piece) for piece in _batches(fetched)]
        self._batches = deque(batch for batch in batches if batch.next_offset > start)

    def has_next(self) -> bool:
        return bool(self._batches)

    def next_batch(self) -> "_LenientBatch":
        return self._batches.popleft()


def _batches(fetched: bytes) -> Iterator[bytes]:
    """Each whole batch: its length stands behind its first offset. The last may have been cut off."""
    start = 0
    while start + _HEAD.size <= len(fetched):
        _, length = _HEAD.unpack_from(fetched, start)
        end = start + _HEAD.size + length
        if end <= len(fetched):
            yield fetched[start:end]
        start = end


class _LenientBatch(PythonBatch):  # pyright: ignore[reportGeneralTypeIssues]  # final, but for such as us
    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _Escaping(self._buffer)


class _Escaping(bytearray):
    """Bytes whose parts decode to text whatever they are."""

    def __getitem__(self, index: Any) -> Any:
        part: Any = super().__getitem__(index)
        return _Escaping(part) if isinstance(index, slice) else part

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return super().decode(encoding, "backslashreplace")
