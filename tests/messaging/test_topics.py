"""Topics keep what they promise to keep: their settings, read back from Kafka."""

import asyncio
from collections.abc import AsyncGenerator, Mapping

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.flow import COMPACTED, INBOUND_TOPIC, dead_letter_topic, fact_topics
from shared.messaging import topics
from shared.messaging.topics import DAY_MS, own_settings, provision, wanted
from shared.settings import ConfigurationInvalid

PATIENT, PLAN = "patient.registered", "plan.ended"


@pytest_asyncio.fixture(loop_scope="session")
async def admin(kafka_bootstrap: str) -> AsyncGenerator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await client.start()
    yield client
    await client.close()
    await provision(kafka_bootstrap)


async def give(admin: AIOKafkaAdminClient, topic: str, settings: dict[str, str]) -> None:
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, settings)])
    await until_has(admin, topic, settings)


async def until_has(admin: AIOKafkaAdminClient, topic: str, settings: Mapping[str, str]) -> None:
    """A broker learns of a change a moment after it was accepted."""
    async with asyncio.timeout(20):
        while (await own_settings(admin, [topic]))[topic] != settings:
            await asyncio.sleep(0.02)


async def test_every_topic_has_the_retention_that_the_map_states(admin: AIOKafkaAdminClient) -> None:
    found = await own_settings(admin, [topic.name for topic in wanted(4, 1)])
    assert found == {topic.name: topic.topic_configs for topic in wanted(4, 1)}
    for name in fact_topics():
        compacted = {"cleanup.policy": "compact", "max.compaction.lag.ms": str(DAY_MS)}
        kept = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
        assert found[name].items() >= (compacted if name in COMPACTED else kept).items()
    assert found[INBOUND_TOPIC]["retention.ms"] == str(7 * DAY_MS)
    assert found[dead_letter_topic("progress", PLAN)]["retention.ms"] == str(30 * DAY_MS)


async def test_topics_of_an_earlier_release_are_brought_up_to_date(
    admin: AIOKafkaAdminClient, kafka_bootstrap: str
) -> None:
    """As the first release made them: compacted with Kafka's defaults, facts for a week only."""
    await give(admin, PATIENT, {"cleanup.policy": "compact"})
    await give(admin, PLAN, {"retention.ms": str(7 * DAY_MS)})
    assert sorted(await provision(kafka_bootstrap)) == [PATIENT, PLAN]
    await until_has(admin, PATIENT, topics.PATIENTS)
    await until_has(admin, PLAN, topics.FACTS)
    assert await provision(kafka_bootstrap) == []


async def test_what_an_operator_set_besides_stays(admin: AIOKafkaAdminClient, kafka_bootstrap: str) -> None:
    await give(admin, PLAN, {"retention.ms": "1000", "max.message.bytes": "2000000"})
    assert await provision(kafka_bootstrap) == [PLAN]
    await until_has(admin, PLAN, topics.FACTS | {"max.message.bytes": "2000000"})
    await give(admin, PLAN, topics.FACTS)


async def test_a_setting_that_kafka_refuses_is_said_and_not_passed_over(
    admin: AIOKafkaAdminClient, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(topics.INBOUND, "retention.ms", "for ever")
    with pytest.raises(ConfigurationInvalid, match=f"refuses the topic {INBOUND_TOPIC}"):
        await provision(kafka_bootstrap)
    monkeypatch.undo()
    spare = dead_letter_topic("intake", INBOUND_TOPIC)
    await admin.delete_topics([spare])
    async with asyncio.timeout(20):
        while spare in await admin.list_topics():
            await asyncio.sleep(0.02)
    with pytest.raises(ConfigurationInvalid, match="InvalidReplicationFactor"):
        await provision(kafka_bootstrap, replicas=5)
