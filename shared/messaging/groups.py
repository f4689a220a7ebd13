"""Which services are reading now, told by their consumer groups."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError

from shared.messaging.errors import Unavailable

_PATIENCE_SECONDS = 10
_MEMBERS = 5
"""Place of the members in a group's description: error, group, state, protocol type, protocol, members."""


async def running_services(bootstrap: str, services: Sequence[str]) -> set[str]:
    """Those of `services` whose consumer group has members: a killed one still counts for some seconds.

    Raises:
        Unavailable: Kafka does not answer.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await admin.start()
            return {service for service in services if await _has_members(admin, service)}
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka at {bootstrap} does not answer: {type(error).__name__}.") from error
    finally:
        await admin.close()


async def _has_members(admin: AIOKafkaAdminClient, service: str) -> bool:
    try:
        answers: list[Any] = await admin.describe_consumer_groups([service])
    except GroupCoordinatorNotAvailableError:
        return False  # Kafka appoints one when the first group is made
    return any(group[_MEMBERS] for answer in answers for group in answer.groups)
