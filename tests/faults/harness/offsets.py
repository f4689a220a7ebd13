"""What an operator may do to a consumer group, on purpose or not."""

from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import DeleteGroupsRequest

from tests.faults.harness.places import PARTITIONS
from tests.faults.harness.world import World


async def reset_to_beginning(world: World) -> None:
    """Set the offsets of the (empty) group to 0.

    Raises:
        AssertionError: it had none, so that nothing was reset.
    """
    consumer = AIOKafkaConsumer(bootstrap_servers=world.bootstrap, group_id=world.name, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(world.sent.NAME, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        assert any([await consumer.committed(partition) for partition in partitions])
        await consumer.commit(dict.fromkeys(partitions, 0))
    finally:
        await consumer.stop()


async def delete_group(world: World) -> None:
    """Delete the (empty) group with its offsets.

    Raises:
        AssertionError: Kafka did not.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=world.bootstrap)
    await admin.start()
    try:
        node = await admin.find_coordinator(world.name)
        answer: Any = await admin._send_request(DeleteGroupsRequest([world.name]), node)  # pyright: ignore[reportPrivateUsage]
        assert [code for _, code in answer.results] == [0], answer
    finally:
        await admin.close()
