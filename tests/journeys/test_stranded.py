"""Events that strand in real services become alerts for the operator; a rebuild knows the same and tells nothing."""

import asyncio
from typing import Any

import orjson
import pytest

from shared.events.intake import PlanEnded
from tests.journeys.rebuilds import Clinic, differing
from tests.messaging.stranding import publish

pytestmark = [pytest.mark.slow, pytest.mark.timeout(480)]

KEY = "riverside/pt-stranded"
CONSUMERS = ("console", "notifications", "progress", "scheduling")
"""Who consumes the plan's end: each parks a version that it does not know."""
_ALERTS = """
    SELECT evidence ->> 'service' AS service, owner, severity, resolved_by FROM notifications.alert
    WHERE kind = 'events-stranded' AND evidence ->> 'about' = 'pt-stranded' ORDER BY 1
"""
_SEEN = "SELECT alert_id FROM console.alert WHERE kind = 'events-stranded' AND resolved_at IS NULL"
_MESSAGES = """
    SELECT DISTINCT recipient_id FROM notifications.delivery WHERE patient_id = '_clinic' AND topic = 'alerts'
"""


async def alerts(clinic: Clinic, *, resolved: bool) -> list[Any]:
    """The alerts about all four services, once they are as they should be."""
    async with asyncio.timeout(60):
        while True:
            found = await clinic.query(_ALERTS)
            if [row["service"] for row in found if bool(row["resolved_by"]) == resolved] == list(CONSUMERS):
                return found
            await asyncio.sleep(0.1)


async def test_parked_events_alert_the_operator_until_they_wait_no_longer(clinic: Clinic) -> None:
    newer = PlanEnded.wire_type().removesuffix("1") + "2"
    fact = {"clinic_id": "riverside", "patient_id": "pt-stranded", "plan_id": "plan-stranded"}
    for number in range(3):
        headers: list[tuple[str, bytes | None]] = [
            ("ce_specversion", b"1.0"), ("ce_type", newer.encode()), ("ce_source", b"test"),
            ("ce_id", f"stranded-{number}".encode()), ("ce_time", b"2026-05-04T08:00:00Z"),
        ]  # fmt: skip
        await publish(clinic.addresses.kafka_bootstrap, PlanEnded.NAME, orjson.dumps(fact), KEY.encode(), headers)
    found = await alerts(clinic, resolved=False)
    assert {row["severity"] for row in found} == {"warning"}
    await clinic.drained()
    assert len(await clinic.query(_SEEN)) == len(CONSUMERS)
    assert {row["recipient_id"] for row in await clinic.query(_MESSAGES)} == {found[0]["owner"]}
    published = await clinic.published()
    for service in ("notifications", "progress"):
        assert differing(await clinic.rebuild(service)) == []
    assert await clinic.published() == published
    for service in CONSUMERS:
        await clinic.query(f"DELETE FROM {service}.parked WHERE key = '{KEY}'")
    assert {row["resolved_by"] for row in await alerts(clinic, resolved=True)} == {"stride"}
    await clinic.drained()
    assert await clinic.query(_SEEN) == []
