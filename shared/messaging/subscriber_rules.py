"""What every subscription must say, checked at start: a default of FastStream or aiokafka would lose events.

Each rule is an outage that was seen, or read of in the source of FastStream 0.7 and aiokafka 0.14.
"""

from collections.abc import Callable
from typing import Any

from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared.messaging.errors import UnsafeSubscription

_MOST_RECORDS = 1000
_LEAST_REBALANCE_MS = 10_000

Rule = tuple[Callable[[Any], bool], str]

_BROKER_RULES: tuple[Rule, ...] = (
    (
        lambda config: bool(config.graceful_timeout),
        "graceful_timeout must be set: without it a stop does not wait for the batch in hand",
    ),
    (
        lambda config: config.allow_auto_create_topics is False,
        "allow_auto_create_topics must be False: a topic made so has one partition",
    ),
)
_RULES: tuple[Rule, ...] = (
    (
        lambda sub: sub.ack_policy is AckPolicy.MANUAL,
        "ack_policy must be MANUAL: any other acknowledges what was not applied, or skips what failed",
    ),
    (
        lambda sub: not sub._connection_args["enable_auto_commit"],
        "enable_auto_commit must be off: offsets are committed after the transaction",
    ),
    (
        lambda sub: hasattr(sub, "max_records"),
        "batch must be True and max_workers 1: workers are closed before they are drained, and mix up the order",
    ),
    (
        lambda sub: 0 < (getattr(sub, "max_records", 0) or 0) <= _MOST_RECORDS,
        f"max_records must be 1 to {_MOST_RECORDS}: a batch without end outlasts every timeout",
    ),
    (
        lambda sub: sub._no_reply,
        "no_reply must be True: a reply_to header would send the result to any topic",
    ),
    (
        lambda sub: sub._connection_args["auto_offset_reset"] == "earliest",
        "auto_offset_reset must be earliest: latest skips what came before the group's first offset",
    ),
    (
        lambda sub: bool(sub.group_id),
        "group_id must be set: without a group each process reads everything",
    ),
    (
        lambda sub: sub._listener is not None,
        "listener must be set: partitions may only be given away when the batch in hand is done",
    ),
    (
        lambda sub: (sub._connection_args["rebalance_timeout_ms"] or 0) >= _LEAST_REBALANCE_MS,
        f"rebalance_timeout_ms must be {_LEAST_REBALANCE_MS} or more: the longest batch",
    ),
    (
        lambda sub: 3 * sub._connection_args["heartbeat_interval_ms"] <= sub._connection_args["session_timeout_ms"],
        "heartbeat_interval_ms must be a third of session_timeout_ms or less: one late beat would end the membership",
    ),
    (
        lambda sub: bool(sub.calls) and all(call.item_parser and call.item_decoder for call in sub.calls),
        "parser and decoder must be our own: FastStream's fail on odd headers and bodies, and the record is lost",
    ),
)


def check(broker: KafkaBroker) -> None:
    """Hold every subscription of `broker` against the rules.

    Raises:
        UnsafeSubscription: some break them; names topics, options and what would happen.
    """
    broken = [reason for holds, reason in _BROKER_RULES if not holds(broker.config.broker_config)]
    for subscriber in broker.subscribers:
        topics = ", ".join(_topics(subscriber))
        broken += [f"{topics}: {reason}" for holds, reason in _RULES if not holds(subscriber)]
    if broken:
        raise UnsafeSubscription("; ".join(broken) + ". See shared/messaging/subscriber_rules.py.")


def _topics(subscriber: Any) -> list[str]:
    return list(subscriber.topic_names)[:3]
