"""What replaying needs of a service that does not run here: its door and its decoders."""

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import open_clock
from shared.messaging.door import Door
from shared.messaging.relay import Relay
from shared.messaging.replay_run import Desk, decoding
from shared.messaging.service import Service
from shared.settings import Settings


def open_desk(service: Service, settings: Settings, engine: AsyncEngine) -> Desk:
    """The desk of `service`, with its own handlers, store and decoders; nothing is read from Kafka.

    Raises:
        ConfigurationInvalid: a file that the service needs is missing or wrong.
    """
    relay = Relay(engine, settings.kafka_bootstrap)
    clock = open_clock(settings.stride_clock)
    door = Door(service.name, service.handlers, service.store(settings), engine, clock, relay)
    return Desk(door, decoding(service.decoders(settings)))
