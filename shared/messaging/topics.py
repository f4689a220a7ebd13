"""Topics, provisioned from the flow map: same partitions everywhere, stated retention."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from shared.flow import COMPACTED, FLOW, INBOUND_TOPIC, consumed_topics, dead_letter_topic, fact_topics
from shared.messaging.errors import Unavailable

DAY_MS = 86_400_000


def wanted(partitions: int, replicas: int) -> list[NewTopic]:
    """All topics with their configuration.

    Fact topics keep everything, since a rebuild reads them; `patient.*` keeps the newest fact
    of each patient; what comes from outside and dead letters have limits.
    """
    facts = [_topic(name, partitions, replicas, _fact_config(name)) for name in fact_topics()]
    inbound = _topic(INBOUND_TOPIC, partitions, replicas, {"retention.ms": str(7 * DAY_MS)})
    dead = [
        _topic(dead_letter_topic(service, topic), 1, replicas, {"retention.ms": str(30 * DAY_MS)})
        for service in FLOW
        for topic in consumed_topics(service)
    ]
    return [*facts, inbound, *dead]


def _fact_config(name: str) -> dict[str, str]:
    if name in COMPACTED:
        return {"cleanup.policy": "compact"}
    return {"retention.ms": "-1"}


def _topic(name: str, partitions: int, replicas: int, config: dict[str, str]) -> NewTopic:
    return NewTopic(name, num_partitions=partitions, replication_factor=replicas, topic_configs=config)


async def provision(bootstrap: str, *, partitions: int = 4, replicas: int = 1) -> list[str]:
    """Create the topics that do not exist yet; returns their names. Safe to repeat."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        missing = [topic for topic in wanted(partitions, replicas) if topic.name not in existing]
        if missing:
            await admin.create_topics(missing)
        return [topic.name for topic in missing]
    finally:
        await admin.close()


async def wait_until_answering(bootstrap: str, *, seconds: float = 20) -> None:
    """Return when Kafka answers; servers and services start together, and Kafka is the slower.

    Raises:
        Unavailable: it does not answer within `seconds`.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            await cluster_id(bootstrap)
        except (KafkaError, OSError) as error:
            if asyncio.get_running_loop().time() > deadline:
                raise Unavailable(f"Kafka does not answer: {type(error).__name__}") from error
            await asyncio.sleep(0.5)
        else:
            return


async def cluster_id(bootstrap: str) -> str:
    """The id that Kafka's storage was formatted with; it changes when the data is wiped."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        return str((await admin.describe_cluster())["cluster_id"])
    finally:
        await admin.close()
