"""Receipts over HTTP from a provider in a process of its own: twice, in any order, late, before the send is known."""

import hmac
from base64 import b64encode
from collections.abc import AsyncGenerator
from hashlib import sha1
from pathlib import Path
from urllib.parse import urlencode

import orjson
import pytest
import pytest_asyncio
from sqlalchemy import text

from benchmarks.notifications.sms_provider import SECRET, TOKEN, Report, SmsProvider, signed, sms_provider
from services.notifications.gateways.webhooks import new_secret
from tests.domain.notifications_examples import Example
from tests.handlers.notifications_desk import Desk, desk_at, post_office
from tests.handlers.notifications_house import House, may_be_texted, open_house

PATIENT = 12.0
"""Seconds of a lease: enough for a slow machine where no answer is lost."""
LATE = ("undelivered", 2)
DONE = ("delivered", 3)
TWILIO_TOKEN = "twilio-token"  # of a provider for tests


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database_url: str, clinic_id: str) -> AsyncGenerator[Desk]:
    async with desk_at(database_url, clinic_id) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def provider() -> AsyncGenerator[SmsProvider]:
    async with sms_provider() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def house(desk: Desk, provider: SmsProvider, tmp_path: Path) -> AsyncGenerator[House]:
    gate = {"name": "gate", "kind": "gateway", "url": provider.url, "token": TOKEN, "sender": "+44"}
    twilio = {"name": "tw", "kind": "twilio", "account": "AC1", "token": TWILIO_TOKEN, "sender": "MG1"}
    async with (
        post_office(tmp_path) as post,
        open_house(desk, post, tmp_path, sms=[gate | {"reports_secret": SECRET}, twilio]) as opened,
    ):
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def delivery_id(desk: Desk, provider: SmsProvider, clinic_id: str) -> str:
    """A message by SMS that is due."""
    await provider.script()
    ann = Example(clinic_id)
    await desk.admit(ann.registered(phone="+441632960001"), ann.booked())
    await may_be_texted(desk, ann)
    (row,) = await desk.deliveries("booked")
    return row.delivery_id


async def sms(desk: Desk) -> list[str]:
    return [row.state for row in await desk.deliveries("booked") if row.channel == "sms"]


async def others(desk: Desk) -> set[str]:
    """The states of what goes by mail instead, since the text message was reported as not delivered."""
    return {row.state for row in await desk.deliveries("booked") if row.channel == "email"}


async def kept(desk: Desk) -> int:
    async with desk.engine.connect() as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM receipt")) or 0)


@pytest.mark.parametrize(
    "reports", [(LATE, DONE), (DONE, LATE), (DONE, DONE, LATE, LATE, DONE), (("accepted", 9), DONE, ("accepted", 1))]
)
async def test_receipts_may_come_twice_and_in_any_order(
    desk: Desk, house: House, provider: SmsProvider, delivery_id: str, reports: tuple[Report, ...]
) -> None:
    await house.send_all(PATIENT)
    assert set(await provider.report(delivery_id, *reports)) == {204}
    await house.send_all(PATIENT)
    assert await sms(desk) == ["delivered"]
    assert await others(desk) <= {"superseded"}
    assert len(await desk.published("notification.sent")) == 1
    assert await kept(desk) == len(set(reports))


async def test_a_receipt_may_come_before_the_answer_to_the_send(
    desk: Desk, house: House, provider: SmsProvider, delivery_id: str
) -> None:
    await provider.script(early=[LATE, DONE])
    await house.send_all(PATIENT)
    assert await desk.states("booked") == [("delivered", "")]
    assert len(await desk.published("notification.sent")) == 1
    assert await desk.published("notification.failed") == []


async def test_a_receipt_tells_of_a_message_whose_answer_was_lost(
    desk: Desk, house: House, provider: SmsProvider, delivery_id: str
) -> None:
    await provider.script("drop-taken", early=[DONE])
    await house.send_all()
    assert await desk.states("booked") == [("delivered", "reported")]
    assert len(await provider.taken()) == len({message["reference"] for message in await provider.taken()})


async def test_a_late_receipt_corrects_what_was_reported_and_says_so(
    desk: Desk, house: House, provider: SmsProvider, delivery_id: str
) -> None:
    await house.send_all(PATIENT)
    await provider.report(delivery_id, ("delivered", 1))
    desk.clock.forward(days=5)
    await provider.report(delivery_id, ("bounced", 2), ("bounced", 2))
    assert (await sms(desk), await others(desk)) == (["bounced"], {"scheduled"})
    (failed,) = await desk.published("notification.failed")
    assert (failed["delivery_id"], failed["state"]) == (delivery_id, "bounced")


async def test_a_receipt_that_nobody_signed_or_nobody_can_read_changes_nothing(
    desk: Desk, house: House, provider: SmsProvider, delivery_id: str
) -> None:
    await house.send_all(PATIENT)
    body = orjson.dumps({"reference": delivery_id, "id": "x", "status": "bounced", "sequence": 9})
    unread = body.replace(b"bounced", b"vanished")
    old = signed(body) | {"webhook-timestamp": "1700000000"}
    for path, headers, content, status in (
        ("gate", {}, body, 401),
        ("gate", signed(body, new_secret()), body, 401),
        ("gate", signed(body) | {"webhook-signature": "nonsense"}, body, 401),
        ("gate", signed(body), body.replace(b"9", b"8"), 401),
        ("gate", old, body, 401),
        ("nobody", signed(body), body, 404),
        ("gate", signed(unread), unread, 422),
        ("gate", signed(body), b" " * 100_000, 413),
    ):
        answer = await house.web.post(f"/receipts/{path}", content=content, headers=headers)
        assert (answer.status_code, answer.headers.get("content-type")) == (status, "application/problem+json")
        assert delivery_id not in answer.text
    assert (await desk.states("booked"), await kept(desk)) == ([("accepted", "")], 0)


async def test_a_receipt_of_a_message_that_nobody_knows_need_not_come_again(house: House, desk: Desk) -> None:
    body = orjson.dumps({"reference": "nobody", "id": "x", "status": "delivered", "sequence": 1})
    assert (await house.web.post("/receipts/gate", content=body, headers=signed(body))).status_code == 204
    assert await kept(desk) == 0


async def test_twilio_calls_the_same_address_in_its_own_form(desk: Desk, house: House, delivery_id: str) -> None:
    """The signature as Twilio's documentation has it: the whole address, then the fields by name."""
    await house.send_all(PATIENT)
    path = f"/receipts/tw?delivery={delivery_id}"
    fields = {"MessageStatus": "delivered", "MessageSid": "SM1"}
    said = f"{house.settings.stride_public_url}{path}" + "".join(name + fields[name] for name in sorted(fields))
    signature = b64encode(hmac.new(TWILIO_TOKEN.encode(), said.encode(), sha1).digest()).decode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    forged = await house.web.post(path, content=urlencode(fields | {"MessageSid": "SM2"}), headers=headers)
    assert (forged.status_code, await kept(desk)) == (401, 0)
    assert (await house.web.post(path, content=urlencode(fields), headers=headers)).status_code == 204
    assert await desk.states("booked") == [("delivered", "")]
