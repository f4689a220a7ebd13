"""Preparing the servers: safe to repeat, and a database never meets a Kafka that is not its own."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.database import driver_url
from shared.messaging.errors import Unavailable
from shared.messaging.topics import provision, wait_until_answering, wanted
from shared.provision import prepare
from shared.settings import ConfigurationInvalid


async def test_preparing_twice_changes_nothing(database_url: str, kafka_bootstrap: str) -> None:
    await prepare(database_url, kafka_bootstrap)
    assert await provision(kafka_bootstrap) == []
    assert len(wanted(4, 1)) > 60


async def test_a_kafka_that_does_not_answer_is_unavailable_after_the_wait(unused_tcp_port: int) -> None:
    with pytest.raises(Unavailable, match="Kafka does not answer"):
        await wait_until_answering(f"127.0.0.1:{unused_tcp_port}", seconds=1)


async def test_a_database_of_another_kafka_is_refused_before_anything_is_lost(
    database_url: str, kafka_bootstrap: str
) -> None:
    await prepare(database_url, kafka_bootstrap)
    owner: AsyncEngine = create_async_engine(driver_url(database_url))
    async with owner.begin() as tx:
        kept = await tx.scalar(text("SELECT cluster_id FROM public.stride_kafka"))
        await tx.execute(text("UPDATE public.stride_kafka SET cluster_id = 'another'"))
    try:
        with pytest.raises(ConfigurationInvalid, match="another Kafka cluster"):
            await prepare(database_url, kafka_bootstrap)
    finally:
        async with owner.begin() as tx:
            await tx.execute(text("UPDATE public.stride_kafka SET cluster_id = :kept"), {"kept": kept})
        await owner.dispose()


async def test_a_service_can_touch_its_own_schema_only(database_url: str, progress_engine: AsyncEngine) -> None:
    async with progress_engine.connect() as connection:
        assert await connection.scalar(text("SELECT current_user")) == "stride_progress"
        with pytest.raises(Exception, match="permission denied"):
            await connection.execute(text("SELECT * FROM intake.inbox"))
