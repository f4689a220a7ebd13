"""Two providers of a channel: one is there for the other, and no message goes through both."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from benchmarks.notifications.sms_provider import SECRET, TOKEN, SmsProvider, sms_provider
from stride.embedded.ports import LOOPBACK
from tests.domain.notifications_examples import Example
from tests.handlers.notifications_desk import Desk, Post, desk_at
from tests.handlers.notifications_house import House, may_be_texted, open_house

NOWHERE = f"http://{LOOPBACK}:1"


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database_url: str, clinic_id: str) -> AsyncGenerator[Desk]:
    async with desk_at(database_url, clinic_id) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def both() -> AsyncGenerator[tuple[SmsProvider, SmsProvider]]:
    async with sms_provider() as first, sms_provider() as second:
        yield first, second


def gateway(name: str, url: str) -> dict[str, Any]:
    return {"name": name, "kind": "gateway", "url": url, "token": TOKEN, "sender": "+44", "reports_secret": SECRET}


@pytest_asyncio.fixture(loop_scope="session")
async def house(desk: Desk, post: Post, both: tuple[SmsProvider, SmsProvider], tmp_path: Path) -> AsyncGenerator[House]:
    first, second = both
    sms = [gateway("first", first.url), gateway("second", second.url)]
    async with open_house(desk, post, tmp_path, sms=sms) as opened:
        yield opened


async def booked_by_sms(desk: Desk, clinic_id: str, many: int = 1) -> None:
    for number in range(many):
        patient = Example(clinic_id, f"p-{number}", f"plan-{number}")
        await desk.admit(patient.registered(phone="+441632960001"), patient.booked())
        await may_be_texted(desk, patient)


async def taken_by(desk: Desk, provider: SmsProvider) -> int:
    ours = {row.delivery_id for row in await desk.deliveries("booked")}
    return sum(message["reference"] in ours for message in await provider.taken())


@pytest.mark.parametrize("answer", ["503", "429", "401"])
async def test_what_one_provider_certainly_did_not_take_goes_to_the_next_at_once(
    desk: Desk, house: House, both: tuple[SmsProvider, SmsProvider], clinic_id: str, answer: str
) -> None:
    first, second = both
    await booked_by_sms(desk, clinic_id)
    await first.script(answer)
    await house.send_all(lease=12)
    assert (await taken_by(desk, first), await taken_by(desk, second)) == (0, 1)
    (row,) = await desk.deliveries("booked")
    assert (row.state, row.provider, row.reference) == ("accepted", "second", f"sms-{row.delivery_id}")


@pytest.mark.parametrize("answer", ["take-500", "drop-taken", "drop-lost", "slow"])
async def test_a_lost_answer_never_fails_over_the_provider_itself_is_asked(
    desk: Desk, house: House, both: tuple[SmsProvider, SmsProvider], clinic_id: str, answer: str
) -> None:
    first, second = both
    await booked_by_sms(desk, clinic_id)
    await first.script(answer)
    before = await second.calls()
    await house.send_all()
    assert (await taken_by(desk, first), await second.calls() - before) == (1, 0)
    assert [(row.state, row.provider) for row in await desk.deliveries("booked")] == [("accepted", "first")]


async def test_what_can_not_be_asked_for_is_unknown_and_goes_to_nobody_else(
    desk: Desk, post: Post, both: tuple[SmsProvider, SmsProvider], clinic_id: str, tmp_path: Path
) -> None:
    """A provider that can't be asked (Twilio's shape) loses its answer; another one stands by."""
    first, second = both
    blind = {"name": "blind", "kind": "twilio", "url": first.url, "account": "AC1", "token": "t", "sender": "MG1"}
    await booked_by_sms(desk, clinic_id)
    async with open_house(desk, post, tmp_path, sms=[blind, gateway("second", second.url)]) as house:
        await first.script("drop-taken")
        before = await second.calls()
        await house.send_all()
        await house.send_all()
    assert await desk.states("booked") == [("unknown", "no-answer")]
    assert await second.calls() == before


async def test_a_provider_that_is_down_is_left_alone_and_used_again_once_it_is_back(
    desk: Desk, post: Post, both: tuple[SmsProvider, SmsProvider], clinic_id: str, tmp_path: Path
) -> None:
    first, second = both
    await booked_by_sms(desk, clinic_id, 30)
    await first.script()
    sms = [gateway("gone", NOWHERE), gateway("second", second.url)]
    async with open_house(desk, post, tmp_path, sms=sms) as house:
        await house.send_all()
    assert await taken_by(desk, second) == 30
    assert {row.provider for row in await desk.deliveries("booked")} == {"second"}
    back = Example(clinic_id, "p-back", "plan-back")
    await desk.admit(back.registered(phone="+441632960001"), back.booked())
    await may_be_texted(desk, back)
    async with open_house(desk, post, tmp_path, sms=[gateway("gone", first.url), sms[1]]) as house:
        await house.send_all()
    assert (await taken_by(desk, first), await taken_by(desk, second)) == (1, 30)


async def test_no_message_goes_twice_whatever_both_providers_do(
    desk: Desk, house: House, both: tuple[SmsProvider, SmsProvider], clinic_id: str
) -> None:
    first, second = both
    await booked_by_sms(desk, clinic_id, 40)
    faults = ["503", "take-500", "429", "drop-taken", "401", "drop-lost", "take"]
    await first.script(*faults * 4)
    await second.script(*faults[::-1] * 4)
    async with desk.sending(*house.sender()), desk.sending(*house.sender()):
        for _ in range(4):
            await desk.quiet(60)
            desk.clock.forward(minutes=3)
    ours = {row.delivery_id: row for row in await desk.deliveries("booked")}
    taken = [message["reference"] for provider in both for message in await provider.taken()]
    assert sorted(name for name in taken if name in ours) == sorted(ours)
    assert {row.state for row in ours.values()} == {"accepted"}


async def test_a_limit_is_kept_by_all_senders_together_and_costs_no_message(
    desk: Desk, post: Post, both: tuple[SmsProvider, SmsProvider], clinic_id: str, tmp_path: Path
) -> None:
    first, _ = both
    await first.script()
    await booked_by_sms(desk, clinic_id, 9)
    slow = gateway("slow", first.url) | {"per_second": 4, "burst": 3}
    async with open_house(desk, post, tmp_path, sms=[slow]) as house:
        began = asyncio.get_running_loop().time()
        async with desk.sending(*house.sender(lease=12)), desk.sending(*house.sender(lease=12)):
            await desk.quiet(30)
        seconds = asyncio.get_running_loop().time() - began
    assert await taken_by(desk, first) == 9
    assert seconds > (9 - 3 - 1) / 4


async def test_a_provider_that_is_down_holds_up_no_other_channel(
    desk: Desk, post: Post, clinic_id: str, tmp_path: Path
) -> None:
    """A mail was refused, so its message goes by SMS, whose provider is down: the next mail does not wait for it."""
    ann = Example(clinic_id)
    await desk.admit(ann.registered(phone="+441632960001"), ann.booked())
    await may_be_texted(desk, ann, first=False)
    post.script = ["550"]
    async with (
        open_house(desk, post, tmp_path, sms=[gateway("gone", NOWHERE)],
                   email=[{"name": "smtp", "url": f"smtp://{LOOPBACK}:{post.port}"}]) as house,
        desk.sending(*house.sender()),
    ):  # fmt: skip
        while len(await desk.states("booked")) == 1:
            await asyncio.sleep(0.02)
        desk.clock.forward(minutes=1)
        await desk.admit(ann.reached())
        await desk.settled("milestone")
    states = {row.channel: row.state for row in await desk.deliveries("booked")}
    assert states == {"email": "failed", "sms": "ready"}
    assert "A step forward" in post.subjects()
