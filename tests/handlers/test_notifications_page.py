"""The pages that patients open by a signed link."""

import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from services.notifications.domain.reach import mark_of
from shared.events.base import Fact
from shared.events.intake import PatientRegistered
from shared.ids import patient_key
from shared.links import Signer
from tests.domain.notifications_examples import NOW, Example
from tests.handlers.notifications_desk import Desk, desk_at
from tests.handlers.notifications_web import SIGNER, as_, open_web

PHONE = "+447700900123"


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database_url: str, clinic_id: str) -> AsyncGenerator[Desk]:
    async with desk_at(database_url, clinic_id) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def web(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[httpx.AsyncClient]:
    async with open_web(desk, monkeypatch) as client:
        yield client


def registered(clinic_id: str, language: str = "en", **contact: Any) -> Fact:
    given = {"name": "Ann Example", "email": "ann@example.org", "phone": PHONE, "language": language, **contact}
    who = {"clinic_id": clinic_id, "patient_id": "p-1"}
    return PatientRegistered.model_validate({**who, "contact": given, "recorded_at": NOW})


def page_of(desk: Desk, clinic_id: str, mark: str = "") -> str:
    return f"/p/{SIGNER.token(clinic_id, 'p-1', desk.clock.now(), mark)}"


async def chosen(desk: Desk) -> dict[str, str]:
    return {entry["what"]: entry["value"] for entry in await desk.published("consent.recorded")}


FORM = {
    "form": "choices", "email": "on", "channel": "email", "content": "full", "quiet": "clinic", "language": "en",
    "topic.reminder": "on", "topic.milestone": "on", "topic.missed": "on", "topic.offer": "on",
}  # fmt: skip


async def test_what_is_chosen_is_recorded_and_shown_again_and_looking_changes_nothing(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    await desk.admit(registered(clinic_id), Example(clinic_id).booked())
    path = page_of(desk, clinic_id)
    assert (await web.get(path)).status_code == 200
    assert await chosen(desk) == {}
    form = {**FORM, "content": "call", "quiet": "own", "quiet-start": "22:00", "quiet-end": "07:30", "language": "fr"}
    del form["topic.milestone"]
    saved = await web.post(path, data=form)
    assert (saved.status_code, saved.headers["location"]) == (303, f"{path}?done=saved")
    recorded = await chosen(desk)
    assert recorded["topic.milestone"] == "off"
    assert (recorded["quiet"], recorded["content"], recorded["language"]) == ("2200-0730", "call", "fr")
    shown = (await web.get(saved.headers["location"])).text
    assert "Vos choix sont enregistrés." in shown
    assert re.search(r'value="call" checked', shown)
    assert re.search(r'id="quiet-start" name="quiet-start" value="22:00"', shown)
    assert not re.search(r'name="topic.milestone" value="on" checked', shown)


@pytest.mark.parametrize(
    ("language", "direction", "heading"),
    [
        ("en", "ltr", "What we may send you, and how"),
        ("es", "ltr", "Qué podemos enviarle y cómo"),
        ("de", "ltr", "Was wir Ihnen senden dürfen, und wie"),
        ("fr", "ltr", "Ce que nous pouvons vous envoyer, et comment"),
        ("ar", "rtl", "ما يمكننا إرساله إليك وكيف"),
    ],
)
async def test_it_is_in_the_patients_language_and_runs_nothing(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str, *, language: str, direction: str, heading: str
) -> None:
    await desk.admit(registered(clinic_id, language))
    shown = await web.get(page_of(desk, clinic_id))
    assert f'<html lang="{language}" dir="{direction}">' in shown.text
    assert f"<h1>{heading}</h1>" in shown.text
    assert "<script" not in shown.text
    policy = shown.headers["content-security-policy"]
    assert "script-src" not in policy
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert (shown.headers["cache-control"], shown.headers["referrer-policy"]) == ("no-store", "no-referrer")
    other = await web.get(f"{page_of(desk, clinic_id)}?lang=es")
    assert '<html lang="es"' in other.text
    assert await chosen(desk) == {}, "to look in another language is no choice"


async def test_no_whole_address_is_shown(desk: Desk, web: httpx.AsyncClient, clinic_id: str) -> None:
    await desk.admit(registered(clinic_id))
    shown = (await web.get(page_of(desk, clinic_id))).text
    assert "ann@example.org" not in shown
    assert PHONE not in shown
    assert "a…@example.org" in shown
    assert "ends in 123" in shown


@pytest.mark.parametrize(("start", "end"), [("", "08:00"), ("08:00", "01:00"), ("later", "never")])
async def test_quiet_hours_that_can_not_be_are_explained_and_nothing_is_saved(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str, start: str, end: str
) -> None:
    await desk.admit(registered(clinic_id))
    answer = await web.post(
        page_of(desk, clinic_id), data={**FORM, "quiet": "own", "quiet-start": start, "quiet-end": end}
    )
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert await chosen(desk) == {}


async def test_a_number_is_proved_by_the_code_that_was_sent_to_it(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    await desk.admit(registered(clinic_id))
    path = page_of(desk, clinic_id)
    asked = await web.post(path, data={**FORM, "sms": "on", "channel": "sms"})
    assert (asked.status_code, asked.headers["location"]) == (303, f"{path}#code")
    (delivery,) = await desk.deliveries("verify")
    assert (delivery.channel, delivery.state) == ("sms", "scheduled")
    await sent(desk, delivery.delivery_id)
    assert 'autocomplete="one-time-code"' in (await web.get(path)).text
    code = SIGNER.code(delivery.delivery_id, PHONE)
    wrong = await web.post(path, data={"form": "code", "code": f"{(int(code) + 1) % 1_000_000:06}"})
    assert wrong.status_code == 422
    assert "verified.sms" not in await chosen(desk)
    right = await web.post(path, data={"form": "code", "code": f" {code[:3]} {code[3:]} "})
    assert right.headers["location"] == f"{path}?done=code"
    await desk.admit(Example(clinic_id).booked())
    (booked,) = await desk.deliveries("booked")
    assert booked.channel == "sms"


async def sent(desk: Desk, delivery_id: str) -> None:
    """As the sender leaves it."""
    async with desk.door.work() as work:
        await desk.store.touch(work.tx, [row.patient_key for row in await desk.deliveries("verify")])
        for state in ("ready", "claimed", "sending", "accepted"):
            await work.tx.exec_driver_sql(f"UPDATE delivery SET state = '{state}' WHERE delivery_id = '{delivery_id}'")


async def test_a_code_can_not_be_guessed_and_is_good_for_half_an_hour(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    await desk.admit(registered(clinic_id))
    path = page_of(desk, clinic_id)
    await web.post(path, data={**FORM, "sms": "on"})
    (delivery,) = await desk.deliveries("verify")
    await sent(desk, delivery.delivery_id)
    code = SIGNER.code(delivery.delivery_id, PHONE)
    desk.clock.forward(minutes=31)
    assert (await web.post(path, data={"form": "code", "code": code})).status_code == 422
    tried = [(await web.post(path, data={"form": "code", "code": "000000"})).status_code for _ in range(6)]
    assert tried[-1] == 429


async def test_codes_are_sent_five_times_a_day_at_most(desk: Desk, web: httpx.AsyncClient, clinic_id: str) -> None:
    await desk.admit(registered(clinic_id))
    path = page_of(desk, clinic_id)
    answers = [(await web.post(path, data={"form": "again"})).status_code for _ in range(6)]
    assert answers == [303] * 5 + [429]
    assert len(await desk.deliveries("verify")) == 5


async def test_a_link_that_is_too_old_is_answered_kindly_and_a_new_one_goes_to_the_known_address(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    await desk.admit(registered(clinic_id, "de"))
    path = page_of(desk, clinic_id)
    desk.clock.forward(days=181)
    old = await web.get(path)
    assert old.status_code == 410
    assert "Dieser Link ist zu alt" in old.text
    assert "+44 20 7946 0101" in old.text
    assert (await web.post(path, data=FORM)).status_code == 410
    assert await chosen(desk) == {}
    assert (await web.post(path, data={"form": "renew"})).status_code == 200
    (link,) = await desk.deliveries("link")
    assert (link.channel, link.state) == ("email", "scheduled")


async def test_who_ends_all_messages_gets_none_and_can_take_it_back(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    await desk.admit(registered(clinic_id), Example(clinic_id).booked())
    path = page_of(desk, clinic_id)
    await web.post(path, data={"form": "none"})
    assert set(await desk.states()) == {("suppressed", "opted-out")}
    desk.clock.forward(minutes=1)
    await web.post(path, data=FORM)
    assert ("scheduled", "") in await desk.states("booked")


async def test_a_mail_address_is_proved_by_the_link_that_was_sent_to_it_where_the_clinic_wants_that(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    policy = desk.clinics[clinic_id].messages.model_copy(update={"verified": frozenset({"email", "sms"})})
    desk.rule(clinic_id, policy)
    await desk.admit(registered(clinic_id), Example(clinic_id).booked())
    assert await desk.states("booked") == [("suppressed", "unverified")]
    assert await desk.states("link") == [("scheduled", "")]
    stranger = page_of(desk, clinic_id, mark_of(patient_key(clinic_id, "p-1"), "old@example.org"))
    await web.post(stranger, data=FORM)
    assert await desk.states("booked") == [("suppressed", "unverified")]
    await web.post(page_of(desk, clinic_id, mark_of(patient_key(clinic_id, "p-1"), "ann@example.org")), data=FORM)
    assert await desk.states("booked") == [("scheduled", "")]


async def test_another_time_after_a_missed_visit_is_wished_for_once(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    ann = Example(clinic_id)
    await desk.admit(registered(clinic_id), ann.booked(), ann.missed(0))
    path = f"{page_of(desk, clinic_id)}/another/p-1-a0"
    assert "The clinic will look for a time" in (await web.get(path)).text
    day = (desk.clock.now() + timedelta(days=3)).date().isoformat()
    for _ in range(2):
        assert (await web.post(path, data={"from": day})).status_code == 200
    assert len(await desk.published("rebooking.wished")) == 1
    (raised,) = await desk.published("alert.raised")
    assert (raised["kind"], raised["plan_id"], raised["owner"]) == ("rebooking-wished", "plan-1", "st-eve")
    for wrong in ("2026-04-01", "2027-04-01", "soon"):
        assert (await web.post(path, data={"from": wrong})).status_code == 422
    assert (await web.get(f"{page_of(desk, clinic_id)}/another/p-1-a7")).status_code == 404


async def test_where_another_appointment_is_booked_already_the_wish_moves_that_one(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    ann = Example(clinic_id)
    await desk.admit(registered(clinic_id), ann.booked(), ann.missed(0), ann.booked(3, booking="b2", replaces="p-1-a0"))
    path = f"{page_of(desk, clinic_id)}/another/p-1-a0"
    assert "We have already booked another appointment for you:" in (await web.get(path)).text
    await web.post(path, data={"from": "2026-05-20"})
    (asked,) = await desk.published("appointment.change.requested")
    assert (asked["appointment_id"], asked["change"]) == ("p-1-a3", "move")
    assert asked["not_before"] == "2026-05-19T23:00:00Z"
    assert await desk.published("alert.raised") == []


async def test_staff_have_a_code_or_a_link_sent(desk: Desk, web: httpx.AsyncClient, clinic_id: str) -> None:
    await desk.admit(registered(clinic_id))
    for channel, topic in (("sms", "verify"), ("email", "link")):
        answer = await web.post("/patients/p-1/proof", json={"channel": channel}, headers=as_(clinic_id, "front-desk"))
        assert answer.status_code == 202
        assert len(await desk.deliveries(topic)) == 1
    assert (await web.post("/patients/p-1/proof", json={"channel": "sms"})).status_code == 401


async def test_one_click_ends_the_mails_and_looking_at_the_link_does_not(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    ann = Example(clinic_id)
    await desk.admit(ann.registered(), ann.booked())
    path = f"/u/{Signer([b'old']).token(clinic_id, 'p-1', desk.clock.now())}"
    seen = await web.get(path)
    assert (seen.status_code, "default-src 'none'" in seen.headers["content-security-policy"]) == (200, True)
    assert ("scheduled", "") in await desk.states("booked")
    for _ in range(2):
        done = await web.post(path, content="List-Unsubscribe=One-Click")
        assert done.status_code == 200
    assert await desk.states("booked") == [("suppressed", "opted-out")]
    (recorded,) = await desk.published("consent.recorded")
    assert (recorded["what"], recorded["value"], recorded["way"]) == ("email", "off", "one-click")


async def test_a_link_of_another_key_or_another_patient_is_none(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    now = desk.clock.now()
    good = SIGNER.token(clinic_id, "p-1", now)
    other = SIGNER.token(clinic_id, "p-2", now)
    forged = [
        Signer([b"stolen"]).token(clinic_id, "p-1", now),
        f"{other.split('.')[0]}.{good.split('.')[1]}",
        "x", "x.y", "..",
    ]  # fmt: skip
    for token in forged:
        assert (await web.post(f"/u/{token}")).status_code == 404, token
    assert await desk.published("consent.recorded") == []
    old = SIGNER.token(clinic_id, "p-1", now - timedelta(days=181))
    assert (await web.post(f"/u/{old}")).status_code == 200, "who wants no more mail need not look for a newer link"
    assert await chosen(desk) == {"email": "off"}
