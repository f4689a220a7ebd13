"""What people say over HTTP goes through the door, like every fact."""

from typing import Final

from shared.events.base import Fact
from shared.messaging.message import Message, Outcome
from shared.messaging.service import Running

_SOURCE: Final = "/stride/notifications/choices"


async def hand_in(running: Running, *facts: Fact) -> list[Outcome]:
    """Apply them, each once however often it comes."""
    return await running.door.admit([Message(fact.event_id, _SOURCE, fact) for fact in facts])
