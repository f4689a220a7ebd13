"""Puts the models where the runtime's modules look for the real clients, and takes them away again."""

import importlib
import pkgutil
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from functools import partial
from types import ModuleType
from typing import Any
from unittest.mock import patch

import shared.messaging
from shared.messaging import consumer, relay
from tests.simulation.kafka.broker import Broker
from tests.simulation.kafka.faststream import KafkaBroker
from tests.simulation.kafka.producer import Producer
from tests.simulation.loop import VirtualLoop


class _Logger:
    """Writes the runtime's log into the schedule."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def _note(self, event: str, **fields: Any) -> None:
        self._loop.note(f"log: {event} {fields}")

    debug = info = warning = error = _note


@contextmanager
def substituted(loop: VirtualLoop, broker: Broker) -> Generator[None]:
    """Within the block, the runtime's clients, clock and log are the simulation's."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(consumer, "KafkaBroker", partial(KafkaBroker, broker)))
        stack.enter_context(patch.object(relay, "AIOKafkaProducer", partial(Producer, broker)))
        stack.enter_context(patch.object(relay, "unknown_topics", _no_topic_is_missing))
        stack.enter_context(patch.object(relay, "abandon", Producer.stop))
        for module in _modules():
            for name, substitute in (("wall_seconds", loop.time), ("log", partial(_Logger, loop))):
                if hasattr(module, name):
                    stack.enter_context(patch.object(module, name, substitute))
        yield


async def _no_topic_is_missing(_: Producer, __: object) -> list[str]:
    return []


def _modules() -> list[ModuleType]:
    found = pkgutil.iter_modules(shared.messaging.__path__)
    return [importlib.import_module(f"shared.messaging.{module.name}") for module in found]
