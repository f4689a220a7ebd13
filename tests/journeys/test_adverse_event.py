"""An adverse event of grade 3 or more reaches a person whatever else is going on: real services, load beside it.

The goal is 5 s (p99). A busy machine is allowed ten times as much: that it waits for no backlog is proved by
structure (tests/messaging/test_urgent.py), and the figure is printed (`pytest -s`).
"""

import asyncio
from typing import Any

import httpx
import pytest

from shared.clock import FileClock, wall_seconds
from stride.demo.doors import Tokens
from stride.demo.report.mail import look_at_mail
from stride.demo.run import clock_of
from tests.journeys.rebuilds import Clinic

pytestmark = [pytest.mark.slow, pytest.mark.timeout(480)]

CLINIC, EVENTS, BATCHES, BATCH = "riverside", 10, 6, 100
WITHIN = 50.0
"""Seconds: ten times the goal."""
_MESSAGES = f"""
    SELECT patient_id, delivery_id FROM notifications.delivery
    WHERE clinic_id = '{CLINIC}' AND recipient = 'staff' AND topic = 'alert' AND patient_id LIKE 'pt-hurt-%'
"""


def event(name: str, data: dict[str, Any], number: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{name}-{number}",
        "source": "https://clinic.example",
        "type": f"clinic.{name}.v1",
        "data": data,
    }


def session(number: int, at: str) -> dict[str, Any]:
    reading = {"measurement_id": f"me-load-{number}", "measure": "pain-nrs", "value": 5, "unit": "{score}"}
    held = {"session_id": f"se-load-{number}", "started_at": at, "minutes": 45}
    taken = [{**reading, "effective_at": at}]
    return event("session.logged", {"patient_id": f"pt-load-{number}", **held, "readings": taken}, f"load-{number}")


def harm(number: int, at: str) -> dict[str, Any]:
    said = {"adverse_event_id": f"ae-hurt-{number}", "grade": 3, "term": "Syncope", "occurred_at": at}
    patient = {"patient_id": f"pt-hurt-{number}", "adverse_event": said}
    return event("adverse_event.recorded", patient, f"hurt-{number}")


async def test_a_severe_adverse_event_reaches_a_person_beside_everything_else(clinic: Clinic) -> None:
    at = FileClock(clock_of(clinic.home)).now().isoformat()
    header = Tokens.read(clinic.addresses.tokens.with_name("tokens.txt")).header(CLINIC)
    taken: dict[str, float] = {}
    async with httpx.AsyncClient(base_url=clinic.addresses.services["intake"], timeout=60, trust_env=False) as http:

        async def load(first: int) -> None:
            batch = [session(number, at) for number in range(first, first + BATCH)]
            kind = {"content-type": "application/cloudevents-batch+json"}
            assert (await http.post("/events", json=batch, headers=header | kind)).status_code == 202

        async def harms() -> None:
            for number in range(EVENTS):
                kind = {"content-type": "application/cloudevents+json"}
                answer = await http.post("/events", json=harm(number, at), headers=header | kind)
                assert answer.status_code == 202
                taken[f"pt-hurt-{number}"] = wall_seconds()
                await asyncio.sleep(0.1)

        await asyncio.gather(harms(), *(load(BATCH * number) for number in range(BATCHES)))
    waited = await told(clinic, taken)
    print(f"\nFrom 202 to the mail: {sorted(round(seconds, 2) for seconds in waited)} s")  # noqa: T201  # the figure
    assert max(waited) < WITHIN
    await clinic.drained()


async def told(clinic: Clinic, taken: dict[str, float]) -> list[float]:
    """Seconds from each event's 202 to the first mail about it."""
    async with asyncio.timeout(3 * WITHIN):
        while True:
            arrived = {
                mail.delivery_id: mail.received_at for mail in reversed(await look_at_mail(clinic.addresses.mailbox))
            }
            first: dict[str, float] = {}
            for row in await clinic.query(_MESSAGES):
                if row["delivery_id"] in arrived:
                    seen = arrived[row["delivery_id"]]
                    first[row["patient_id"]] = min(seen, first.get(row["patient_id"], seen))
            if first.keys() == taken.keys():
                return [max(0.0, first[patient] - when) for patient, when in taken.items()]
            await asyncio.sleep(0.2)
