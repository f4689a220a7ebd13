"""Is all done? Told by Kafka's end offsets and the services' tables, not by any service's word.

Drained means: nobody's outbox holds a record, every consumed record is applied (or parked, or a
dead letter), no delivery is due or under way, and the topics did not grow while we looked.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from shared.flow import FLOW, consumed_topics
from stride.demo.watch import Topics

_POLL_SECONDS = 0.015
_OUTBOXES = " UNION ALL ".join(
    f"SELECT '{service}' AS service, count(*) AS waiting FROM {service}.outbox"  # noqa: S608  # names from the flow map
    for service in FLOW
)
_OFFSETS = " UNION ALL ".join(
    f"SELECT '{service}' AS service, topic, partition, next_offset FROM {service}.applied_offset"  # noqa: S608
    for service in FLOW
)
_PENDING_STATES = ("scheduled", "sending")
_SNAPSHOT = f"""
    SELECT
      (SELECT json_object_agg(service, waiting) FROM ({_OUTBOXES}) AS boxes WHERE waiting > 0) AS outboxes,
      (SELECT json_agg(json_build_array(service, topic, partition, next_offset)) FROM ({_OFFSETS}) AS o) AS offsets,
      (SELECT count(*) FROM notifications.delivery
        WHERE state = 'sending' OR (state = 'scheduled' AND due_at <= $1)) AS due,
      (SELECT min(due_at) FROM notifications.delivery WHERE state = 'scheduled' AND due_at > $1) AS next_due
"""  # noqa: S608  # names from the flow map
