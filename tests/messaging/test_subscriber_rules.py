"""A subscription under which events would be lost does not start."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from aiokafka.abc import ConsumerRebalanceListener
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared.messaging import subscriber_rules
from shared.messaging.errors import UnsafeSubscription
from shared.settings import ROOT


class _Listener(ConsumerRebalanceListener):
    def on_partitions_revoked(self, revoked: Any) -> None: ...
    def on_partitions_assigned(self, assigned: Any) -> None: ...


BROKER: dict[str, Any] = {"graceful_timeout": 20, "allow_auto_create_topics": False}
SAFE: dict[str, Any] = {
    "group_id": "g",
    "batch": True,
    "max_records": 500,
    "ack_policy": AckPolicy.MANUAL,
    "auto_offset_reset": "earliest",
    "no_reply": True,
    "listener": _Listener(),
    "session_timeout_ms": 10_000,
    "heartbeat_interval_ms": 2_000,
    "rebalance_timeout_ms": 60_000,
}
UNSAFE: dict[str, tuple[str, Any]] = {
    **{f"ack {policy.name}": ("ack_policy", policy) for policy in AckPolicy if policy is not AckPolicy.MANUAL},
    "no batch": ("batch", False),
    "unbounded": ("max_records", None),
    "too many records": ("max_records", 100_000),
    "latest": ("auto_offset_reset", "latest"),
    "replies": ("no_reply", False),
    "no group": ("group_id", None),
    "no listener": ("listener", None),
    "no rebalance timeout": ("rebalance_timeout_ms", None),
    "late heartbeats": ("heartbeat_interval_ms", 5_000),
}


async def _parse(message: Any) -> Any:
    return message


async def _take(_: Any) -> None:
    pass


def subscribed(options: dict[str, Any], broker: dict[str, Any] = BROKER, **own: Any) -> KafkaBroker:
    made = KafkaBroker("nowhere:1", logger=None, **broker)
    made.subscriber("a.topic", **options)(_take, **(own or {"parser": _parse, "decoder": _parse}))
    return made


def test_a_safe_subscription_is_fine() -> None:
    subscriber_rules.check(subscribed(SAFE))


@pytest.mark.filterwarnings("ignore:AckPolicy")
@pytest.mark.parametrize("case", UNSAFE)
def test_each_unsafe_option_is_refused_by_name(case: str) -> None:
    option, value = UNSAFE[case]
    with pytest.raises(UnsafeSubscription, match=rf"a\.topic: .*{option}"):
        subscriber_rules.check(subscribed(SAFE | {option: value}))


def test_an_option_left_to_its_default_is_refused() -> None:
    safe_by_default = {"session_timeout_ms", "heartbeat_interval_ms"}
    for option in SAFE.keys() - safe_by_default:
        left = {name: value for name, value in SAFE.items() if name != option}
        with pytest.raises(UnsafeSubscription, match=option):
            subscriber_rules.check(subscribed(left))


def test_workers_are_refused() -> None:
    options = {name: value for name, value in SAFE.items() if name not in {"batch", "max_records"}}
    with pytest.raises(UnsafeSubscription, match="max_workers 1"):
        subscriber_rules.check(subscribed(options | {"max_workers": 4}))


@pytest.mark.parametrize("own", [{"parser": _parse}, {"decoder": _parse}])
def test_faststreams_own_parser_or_decoder_is_refused(own: dict[str, Any]) -> None:
    with pytest.raises(UnsafeSubscription, match="parser and decoder"):
        subscriber_rules.check(subscribed(SAFE, **own))


@pytest.mark.parametrize("option", ["graceful_timeout", "allow_auto_create_topics"])
def test_unsafe_brokers_are_refused(option: str) -> None:
    with pytest.raises(UnsafeSubscription, match=option):
        subscriber_rules.check(subscribed(SAFE, BROKER | {option: option == "allow_auto_create_topics"}))


_START = """
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from shared.messaging import consumer
subscriber = KafkaBroker.subscriber
KafkaBroker.subscriber = lambda *a, **k: subscriber(*a, **(k | {"ack_policy": AckPolicy.ACK}))
from services.progress.main import SERVICE
from shared.messaging.service import run
run(SERVICE)
"""


def test_a_service_with_an_unsafe_subscription_exits_78_and_says_why() -> None:
    environment = os.environ | {"KAFKA_BOOTSTRAP": "127.0.0.1:1", "DATABASE_URL": "postgresql://a:b@127.0.0.1:1/c"}
    ended = subprocess.run(
        [sys.executable, "-c", _START], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 78, ended.stderr
    said = json.loads(ended.stderr.splitlines()[-1])
    assert said["event"] == "cannot-start"
    assert "ack_policy must be MANUAL" in said["reason"]
