"""What a replica is told before it starts, so that its Kafka client fails as it does in reality."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from aiokafka.consumer.fetcher import Fetcher
from aiokafka.producer.message_accumulator import MessageAccumulator
from aiokafka.producer.sender import SendProduceReqHandler

from shared.messaging import consumer, held, relay

_BATCHES, _REQUESTS = 30, 6
"""How many from one fault to the next; a publish takes several batches."""


def broken() -> bool:
    """Whether the fault holds now: as long as the file LEDGER_BROKEN is there."""
    return Path(os.environ["LEDGER_BROKEN"]).exists()


def sequence_lost() -> None:
    """Every so many batches the producer miscounts, and Kafka answers OutOfOrderSequenceNumber."""
    inside: Any = MessageAccumulator
    pop: Callable[..., Any] = inside._pop_batch
    batches = 0

    def miscounting(self: Any, place: Any) -> Any:
        nonlocal batches
        batches += 1
        if batches % _BATCHES == 0:
            self._txn_manager.increment_sequence_number(place, 7)
        return pop(self, place)

    inside._pop_batch = miscounting


def sender_dies() -> None:
    """Every so many requests the producer's background task ends, as in aio-libs/aiokafka#1017."""
    create: Callable[..., Any] = SendProduceReqHandler.create_request
    requests = 0

    def failing(self: Any) -> Any:
        nonlocal requests
        requests += 1
        if requests % _REQUESTS == 0:
            raise RuntimeError("told to")
        return create(self)

    SendProduceReqHandler.create_request = failing


def sender_always_dies() -> None:
    """While LEDGER_BROKEN is there, so does that of every new producer."""
    create: Callable[..., Any] = SendProduceReqHandler.create_request

    def failing(self: Any) -> Any:
        if broken():
            raise RuntimeError("told to")
        return create(self)

    SendProduceReqHandler.create_request = failing


def producer_hangs() -> None:
    """While LEDGER_BROKEN is there, nothing is sent and no error comes."""
    do: Callable[..., Any] = SendProduceReqHandler.do

    async def hanging(self: Any, node_id: Any) -> None:
        while broken():
            await asyncio.sleep(0.05)
        await do(self, node_id)

    SendProduceReqHandler.do = hanging


def fetcher_stuck() -> None:
    """While LEDGER_BROKEN is there, the consumer gets nothing to read, as in aio-libs/aiokafka#625 and #847."""
    fetched: Callable[..., Any] = Fetcher.fetched_records
    _set(consumer, _STUCK_AFTER_SECONDS=3.0, _WATCH_SECONDS=0.5)

    async def stuck(self: Any, *arguments: Any, **named: Any) -> Any:
        while broken():
            await asyncio.sleep(0.05)
        return await fetched(self, *arguments, **named)

    Fetcher.fetched_records = stuck


def publishes_given_up_soon() -> None:
    """What Kafka has not confirmed after a second is sent again by a new producer."""
    _set(relay, _PUBLISH_TIMEOUT_SECONDS=1.0)


def refusals_soon_tried_again() -> None:
    """What Kafka refused is tried again after a second."""
    _set(held, _REFUSED_AGAIN_SECONDS=1.0)


def _set(module: ModuleType, **values: float) -> None:
    for name, value in values.items():
        setattr(module, name, value)
