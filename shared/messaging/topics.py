"""Topics, provisioned from the flow map: same partitions everywhere, stated retention."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from shared.flow import COMPACTED, FLOW, INBOUND_TOPICS, consumed_topics, dead_letter_topic, fact_topics
from shared.messaging.errors import Unavailable
from shared.settings import ConfigurationInvalid

DAY_MS: Final = 86_400_000
_DAY: Final = str(DAY_MS)
_SET_ON_THE_TOPIC: Final = 1
"""Kafka's `config_source` of a setting that is the topic's own and no default."""

FACTS: Final = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
"""Facts stay for ever: a rebuild reads them."""
PATIENTS: Final = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0.1",
    "max.compaction.lag.ms": _DAY,
    "delete.retention.ms": _DAY,
}
"""Only the newest fact of a patient stays. Left to Kafka's defaults, an older one could stay for ever: the
newest part of a log is never cleaned, and begins anew only after 1 GB or a week. Here it does after a day,
with the next fact of that partition, and the cleaner comes once a tenth is stale or a day old."""
INBOUND: Final = {
    "cleanup.policy": "delete",
    "retention.ms": str(7 * DAY_MS),
    "segment.ms": _DAY,
    "max.message.bytes": "262144",
    "compression.type": "uncompressed",
}
"""Kafka unpacks what a clinic system has compressed: our client reads no snappy, lz4 or zstd, and would stop there."""
DEAD_LETTERS: Final = {
    "cleanup.policy": "delete",
    "retention.ms": str(30 * DAY_MS),
    "segment.ms": _DAY,
    "max.message.bytes": "524288",
}
"""Whole segments go at a time: with a day's worth in each, a day after the limit at most. Any record must
find room here, with the headers that say why."""


def wanted(partitions: int, replicas: int) -> list[NewTopic]:
    """All topics with their configuration.

    Fact topics keep everything, since a rebuild reads them; `patient.*` keeps the newest fact
    of each patient; what comes from outside and dead letters have limits.
    """
    facts = [_topic(name, partitions, replicas, PATIENTS if name in COMPACTED else FACTS) for name in fact_topics()]
    inbound = [_topic(name, partitions, replicas, INBOUND) for name in sorted(INBOUND_TOPICS)]
    dead = [
        _topic(dead_letter_topic(service, topic), 1, replicas, DEAD_LETTERS)
        for service in FLOW
        for topic in consumed_topics(service)
    ]
    return [*facts, *inbound, *dead]


def _topic(name: str, partitions: int, replicas: int, config: Mapping[str, str]) -> NewTopic:
    return NewTopic(name, num_partitions=partitions, replication_factor=replicas, topic_configs=dict(config))


async def provision(bootstrap: str, *, partitions: int = 4, replicas: int = 1) -> list[str]:
    """Create the topics that do not exist yet and bring the others' settings up to date. Safe to repeat.

    Settings that an operator gave a topic besides ours stay. Returns the names of what was created or changed.

    Raises:
        ConfigurationInvalid: Kafka refuses a topic or a setting.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        topics = wanted(partitions, replicas)
        missing = [topic for topic in topics if topic.name not in existing]
        if missing:
            created: Any = await admin.create_topics(missing)
            _check(created.topic_errors)
        outdated = await _outdated(admin, [topic for topic in topics if topic.name in existing])
        if outdated:
            changed: list[Any] = await admin.alter_configs(outdated)
            _check((name, code, reason) for each in changed for code, reason, _, name in each.resources)
        return [topic.name for topic in missing] + [resource.name for resource in outdated]
    finally:
        await admin.close()


async def _outdated(admin: AIOKafkaAdminClient, topics: Sequence[NewTopic]) -> list[ConfigResource]:
    """The topics whose settings are not as wanted, each with all settings that it is to have of its own.

    Kafka's request takes back what it does not name, so what is already there is named again.
    """
    own = await own_settings(admin, [topic.name for topic in topics])
    return [
        ConfigResource(ConfigResourceType.TOPIC, topic.name, own[topic.name] | topic.topic_configs)
        for topic in topics
        if not topic.topic_configs.items() <= own[topic.name].items()
    ]


async def own_settings(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """The settings that each topic was given itself, by name; defaults of the broker are not among them."""
    if not names:
        return {}
    responses: list[Any] = await admin.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    )
    found: dict[str, dict[str, str]] = {}
    for response in responses:
        for code, reason, _, name, entries in response.resources:
            _check([(name, code, reason)])
            found[name] = {entry[0]: entry[1] for entry in entries if entry[3] == _SET_ON_THE_TOPIC}
    return found


def _check(answers: Iterable[Sequence[Any]]) -> None:
    """`answers` are (topic, error code, reason). Another process may have created the topic meanwhile."""
    for name, code, *reason in answers:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise ConfigurationInvalid(f"Kafka refuses the topic {name}: {for_code(code).__name__} {reason[0] or ''}.")


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
