"""Webhooks end to end: subscribed to over HTTP, called over HTTP, retried as the clock reaches each step."""

import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.responses import Response

from services.notifications.gateways.webhooks import new_secret
from services.notifications.gateways.webhooks.signing import headers
from stride.embedded.ports import LOOPBACK
from tests.domain.notifications_examples import FIRST, Example
from tests.handlers.notifications_desk import Desk, Post, desk_at
from tests.handlers.notifications_house import House, as_, open_house
from tests.handlers.remote import Remote, served

LADDER = [timedelta(seconds=s) for s in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)]
"""As the Standard Webhooks specification has it, after the attempt at once."""
JITTER = 1.1


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database_url: str, clinic_id: str) -> AsyncGenerator[Desk]:
    async with desk_at(database_url, clinic_id, f"{clinic_id}-other") as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def house(desk: Desk, post: Post, tmp_path: Path) -> AsyncGenerator[House]:
    """Receivers in our own network are allowed, since the test's is there."""
    async with open_house(desk, post, tmp_path, webhooks_to_private_addresses=True) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def remote() -> AsyncGenerator[Remote]:
    async with served() as running:
        yield running


@pytest.fixture
def ann(clinic_id: str) -> Example:
    return Example(clinic_id)


async def subscribed(house: House, clinic_id: str, url: str, *facts: str) -> dict[str, Any]:
    asked = {"url": url, "facts": facts or ["appointment.moved"]}
    answer = await house.web.post("/subscriptions", json=asked, headers=as_(clinic_id))
    assert answer.status_code == 201
    await house.heed()
    return answer.json()


async def call_row(desk: Desk) -> Any:
    (row,) = [row for row in await desk.deliveries() if row.channel == "webhook"]
    return row


async def moved(desk: Desk, ann: Example, version: int = 2) -> None:
    await desk.admit(ann.moved(0, version, FIRST + timedelta(days=version)))


async def test_a_subscriber_is_called_once_with_ids_alone_and_a_signature_that_the_library_accepts(
    desk: Desk, house: House, remote: Remote, ann: Example
) -> None:
    secret = (await subscribed(house, ann.clinic_id, f"{remote.url}/hook"))["secret"]
    await moved(desk, ann)
    await moved(desk, ann)
    await house.send_all()
    ((path, sent, body),) = remote.calls
    assert path == "/hook"
    said = Webhook(secret).verify(body, sent)
    assert said["type"] == "appointment.moved"
    assert set(said["data"]) == {"clinic_id", "patient_id", "plan_id", "event_id"}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"plan-1", b"plan-2"), sent)
    assert (await call_row(desk)).state == "accepted"


async def test_it_is_tried_ten_times_in_three_days_at_the_times_of_the_specification(
    desk: Desk, house: House, remote: Remote, ann: Example
) -> None:
    secret = (await subscribed(house, ann.clinic_id, remote.url))["secret"]
    remote.answers = [Response(status_code=500) for _ in range(10)]
    await moved(desk, ann)
    async with desk.sending(*house.sender()):
        for attempt, wait in enumerate(LADDER, 1):
            await desk.quiet()
            row = await call_row(desk)
            assert (len(remote.calls), row.state, row.reason) == (attempt, "deferred", "http-500")
            assert wait <= row.due_at - desk.clock.now() <= wait * JITTER
            desk.clock.moment = row.due_at - timedelta(milliseconds=1)
            await desk.quiet()
            assert len(remote.calls) == attempt
            desk.clock.moment = row.due_at
        await desk.quiet()
    row = await call_row(desk)
    assert (len(remote.calls), row.state) == (10, "failed")
    assert {sent["webhook-id"] for _, sent, _ in remote.calls} == {row.delivery_id}
    assert len({body for _, _, body in remote.calls}) == 1
    for _, sent, body in remote.calls:
        Webhook(secret).verify(body, sent)


async def test_the_schedule_survives_a_restart_and_ends_with_the_first_2xx(
    desk: Desk, house: House, remote: Remote, ann: Example
) -> None:
    await subscribed(house, ann.clinic_id, remote.url)
    remote.answers = [Response(status_code=502), Response(status_code=502)]
    await moved(desk, ann)
    for _ in range(2):
        await house.send_all()
        desk.clock.moment = (await call_row(desk)).due_at
    await house.send_all()
    desk.clock.forward(days=3)
    await house.send_all()
    assert (len(remote.calls), (await call_row(desk)).state) == (3, "accepted")


@pytest.mark.parametrize("case", [("900", 900), ("1", 5), ("1e9", 86_400), ("tomorrow", 5)])
async def test_retry_after_makes_it_later_and_never_sooner(
    desk: Desk, house: House, remote: Remote, ann: Example, case: tuple[str, int]
) -> None:
    told, waits = case
    await subscribed(house, ann.clinic_id, remote.url)
    remote.answers = [Response(status_code=429, headers={"retry-after": told})]
    await moved(desk, ann)
    await house.send_all()
    waited = (await call_row(desk)).due_at - desk.clock.now()
    assert timedelta(seconds=waits) <= waited <= timedelta(seconds=waits) * JITTER


async def test_410_ends_the_subscription_until_it_is_wanted_again(
    desk: Desk, house: House, remote: Remote, ann: Example
) -> None:
    name = (await subscribed(house, ann.clinic_id, remote.url))["subscription_id"]
    remote.answers = [Response(status_code=410)]
    await moved(desk, ann)
    await house.send_all()
    row = await call_row(desk)
    assert (row.state, row.reason) == ("failed", "gone")
    (shown,) = (await house.web.get("/subscriptions", headers=as_(ann.clinic_id))).json()["subscriptions"]
    assert shown["disabled_because"] == "410"
    await house.heed()
    await moved(desk, ann, 3)
    assert (await call_row(desk)).delivery_id == row.delivery_id
    assert (await house.web.post(f"/subscriptions/{name}/enable", headers=as_(ann.clinic_id))).status_code == 204
    await house.heed()
    await moved(desk, ann, 4)
    await house.send_all()
    assert len(remote.calls) == 2


async def test_while_secrets_rotate_both_sign_and_after_a_day_the_new_one_alone(
    desk: Desk, house: House, remote: Remote, ann: Example
) -> None:
    made = await subscribed(house, ann.clinic_id, remote.url)
    rotated = await house.web.post(f"/subscriptions/{made['subscription_id']}/rotate", headers=as_(ann.clinic_id))
    old, new = made["secret"], rotated.json()["secret"]
    for version, forward in ((2, 0), (3, 25)):
        desk.clock.forward(hours=forward)
        await moved(desk, ann, version)
        await house.send_all()
    (_, during, body), (_, after, later) = remote.calls
    for secret in (old, new):
        assert json.loads(body) == Webhook(secret).verify(body, during)
    assert Webhook(new).verify(later, after)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(later, after)


async def test_a_redirect_is_not_followed_and_a_removed_subscription_is_called_no_more(
    desk: Desk, house: House, remote: Remote, ann: Example
) -> None:
    name = (await subscribed(house, ann.clinic_id, f"{remote.url}/a"))["subscription_id"]
    remote.answers = [Response(status_code=308, headers={"location": f"{remote.url}/b"})]
    await moved(desk, ann)
    await house.send_all()
    assert [path for path, _, _ in remote.calls] == ["/a"]
    assert (await house.web.delete(f"/subscriptions/{name}", headers=as_(ann.clinic_id))).status_code == 204
    desk.clock.forward(days=1)
    await house.send_all()
    row = await call_row(desk)
    assert (row.state, row.reason, len(remote.calls)) == ("failed", "no-subscription", 1)


async def test_private_addresses_are_refused_when_subscribed_and_again_when_called(
    desk: Desk, post: Post, remote: Remote, ann: Example, tmp_path: Path
) -> None:
    """The name was a public one when it was subscribed, and points into our network now."""
    async with open_house(desk, post, tmp_path) as house:
        for url in (
            "https://127.0.0.1/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/",
            "http://a.example/",
        ):
            asked = {"url": url, "facts": ["appointment.moved"]}
            answer = await house.web.post("/subscriptions", json=asked, headers=as_(ann.clinic_id))
            assert answer.status_code == 422
            assert "127.0.0.1" not in answer.text
        await subscribed(house, ann.clinic_id, "https://rebinding.example/")
        await _points_to(desk, f"https://localhost:{remote.port}/")
        await moved(desk, ann)
        await house.send_all()
    row = await call_row(desk)
    assert (row.state, row.reason, remote.calls) == ("deferred", "AddressRefused", [])


async def _points_to(desk: Desk, url: str) -> None:
    async with desk.engine.begin() as tx:
        await tx.execute(text("UPDATE subscription SET url = :url"), {"url": url})


async def test_subscriptions_are_an_operators_and_of_the_tokens_clinic_alone(
    house: House, remote: Remote, clinic_id: str
) -> None:
    made = await subscribed(house, clinic_id, remote.url)
    listed = await house.web.get("/subscriptions", headers=as_(clinic_id))
    assert made["secret"] not in listed.text
    name, other = made["subscription_id"], as_(f"{clinic_id}-other")
    assert (await house.web.get("/subscriptions", headers=other)).json()["subscriptions"] == []
    for token, status in (({}, 401), (as_(clinic_id, "clinician"), 403), (other, 404)):
        for verb in ("rotate", "enable"):
            assert (await house.web.post(f"/subscriptions/{name}/{verb}", headers=token)).status_code == status
        assert (await house.web.delete(f"/subscriptions/{name}", headers=token)).status_code == status
    assert (await house.web.get("/subscriptions", headers=as_(clinic_id))).json() == listed.json()


async def test_what_can_not_be_subscribed_to_is_refused_with_the_reason(house: House, clinic_id: str) -> None:
    url = f"http://{LOOPBACK}:1/hook"
    for asked, pointer in (({"url": url, "facts": ["no.such"]}, "/body/facts"), ({"url": url}, "/body/facts")):
        answer = await house.web.post("/subscriptions", json=asked, headers=as_(clinic_id))
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
        assert "no.such" not in answer.text
    for _ in range(20):
        await subscribed(house, clinic_id, url)
    full = await house.web.post("/subscriptions", json={"url": url, "facts": ["alert.raised"]}, headers=as_(clinic_id))
    assert full.status_code == 409


def test_a_moment_of_another_zone_is_signed_as_the_same_moment() -> None:
    """The library's own sign() gets aware times that are not UTC wrong."""
    here, secret = datetime(2026, 7, 1, 12, tzinfo=UTC), new_secret()
    there = here.astimezone(ZoneInfo("Asia/Tokyo"))
    assert headers("d-1", there, b"{}", [secret]) == headers("d-1", here, b"{}", [secret])
