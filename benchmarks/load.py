"""An HTTP load generator in a process of its own: ready-made requests over kept connections, one at a time each.

`python -m benchmarks.load PORT FILE --connections 32` sends what FILE holds (a pickled list of requests) and
prints one JSON object. It parses only status and content length, so it is far from being the bottleneck.
"""

import argparse
import asyncio
import json
import pickle
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the last is answered; done when none is left."""

    def __init__(self, requests: Iterator[bytes], statuses: "Counter[str]", waits: list[float]) -> None:
        self._requests, self._statuses, self._waits = requests, statuses, waits
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: Any) -> None:  # uvloop's is none of asyncio's classes
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        length = _LENGTH.search(self._buffer, 0, head + 2) if head >= 0 else None
        if length is None or len(self._buffer) < head + 4 + int(length[1]):
            return
        self._waits.append(time.perf_counter() - self._sent)
        self._statuses[self._buffer[9:12].decode()] += 1
        self._buffer = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("closed before the answer"))

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)


async def send(port: int, requests: list[bytes], connections: int) -> dict[str, object]:
    """Send all; returns seconds, how often each status came, and seconds of waiting at p50 and p95."""
    loop = asyncio.get_running_loop()
    left, statuses, waits = iter(requests), Counter[str](), list[float]()
    began, used = time.perf_counter(), time.process_time()
    made = [
        await loop.create_connection(lambda: _Connection(left, statuses, waits), "127.0.0.1", port)
        for _ in range(min(connections, len(requests)))
    ]
    await asyncio.gather(*(connection.done for _, connection in made))
    waits.sort()
    return {
        "seconds": time.perf_counter() - began,
        "ended": time.time(),
        "busy": (time.process_time() - used) / (time.perf_counter() - began),
        "statuses": dict(statuses),
        "p50": waits[len(waits) // 2],
        "p95": waits[len(waits) * 95 // 100],
    }


def main() -> None:
    """Send a file of requests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--connections", type=int, default=32)
    told = parser.parse_args()
    requests: list[bytes] = pickle.loads(told.file.read_bytes())
    sys.stdout.write(json.dumps(uvloop.run(send(told.port, requests, told.connections))) + "\n")


if __name__ == "__main__":
    main()
