"""What patients text back, by our contract and by Twilio's."""

from collections.abc import AsyncGenerator
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import httpx
import orjson
import pytest
import pytest_asyncio
from standardwebhooks.webhooks import Webhook

from services.notifications.gateways.sms.twilio import signature
from shared.clock import SystemClock
from shared.events.intake import PatientRegistered
from tests.domain.notifications_examples import NOW, Example
from tests.handlers.notifications_desk import Desk, desk_at
from tests.handlers.notifications_web import as_, open_web

PHONE = "+447700900123"
SECRET = "whsec_" + "dGVzdC1zZWNyZXQtb2YtMzItYnl0ZXMtbG9uZyEh"
TOKEN = "twilio-token"
CHANNELS = f"""
sms:
  - {{name: gate, kind: gateway, url: "https://sms.example", token: t, sender: "+441632960000",
     reports_secret: "{SECRET}"}}
  - {{name: twilio, kind: twilio, account: AC1, token: {TOKEN}, sender: MG1}}
"""


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database_url: str, clinic_id: str) -> AsyncGenerator[Desk]:
    async with desk_at(database_url, clinic_id, f"{clinic_id}-other") as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def web(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncGenerator[httpx.AsyncClient]:
    (tmp_path / "channels.yaml").write_text(CHANNELS)
    settings = {"stride_channels": str(tmp_path / "channels.yaml"), "stride_public_url": "http://stride"}
    async with open_web(desk, monkeypatch, **settings) as client:
        yield client


def known(clinic_id: str, language: str = "en", patient_id: str = "p-1") -> PatientRegistered:
    contact = {"name": "Ann", "email": "ann@example.org", "phone": PHONE, "language": language}
    who = {"clinic_id": clinic_id, "patient_id": patient_id}
    return PatientRegistered.model_validate({**who, "contact": contact, "recorded_at": NOW})


async def by_gateway(web: httpx.AsyncClient, body: str, number: str = PHONE, text_id: str = "m1") -> httpx.Response:
    content = orjson.dumps({"id": text_id, "from": number, "to": "+441632960000", "body": body})
    at = SystemClock().now()
    headers = {
        "webhook-id": text_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(text_id, at, content.decode()),
    }
    return await web.post("/texts/gate", content=content, headers=headers)


async def by_twilio(web: httpx.AsyncClient, body: str, token: str = TOKEN, **more: str) -> httpx.Response:
    form = {"MessageSid": "SM1", "From": PHONE, "To": "+441632960000", "Body": body, **more}
    signed = signature(token, "http://stride/texts/twilio", list(form.items()))
    headers = {"X-Twilio-Signature": signed, "Content-Type": "application/x-www-form-urlencoded"}
    return await web.post("/texts/twilio", content=urlencode(form), headers=headers)


def reply_of(answer: httpx.Response) -> str | None:
    assert answer.status_code == 200
    return answer.json()["reply"]


async def chosen(desk: Desk) -> list[tuple[str, str, str, str]]:
    facts = await desk.published("consent.recorded")
    return sorted((fact["patient_id"], fact["what"], fact["value"], fact["way"]) for fact in facts)


async def wants_texts(desk: Desk, web: httpx.AsyncClient, clinic_id: str) -> None:
    await desk.admit(known(clinic_id), Example(clinic_id).booked())
    choices = {"sms": "on", "verified.sms": "yes", "channel": "sms", "email": "off"}
    recorded = await web.post("/patients/p-1/choices", json={"choices": choices}, headers=as_(clinic_id, "front-desk"))
    assert recorded.status_code == 202
    assert {row.channel for row in await desk.deliveries()} == {"sms"}


@pytest.mark.parametrize("word", ["STOP", "arrêt", "ARRET", "Stopp.", "alto", "إيقاف"])
async def test_stop_holds_within_a_second_in_every_language(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str, word: str
) -> None:
    await wants_texts(desk, web, clinic_id)
    desk.clock.forward(minutes=1)
    began = perf_counter()
    reply = reply_of(await by_gateway(web, word))
    states = set(await desk.states())
    assert perf_counter() - began < 1
    assert states == {("suppressed", "opted-out")}
    assert reply == "Riverside: you get no more texts from us. Reply START to get them again."


async def test_the_same_text_twice_is_recorded_once_and_answered_the_same(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    await wants_texts(desk, web, clinic_id)
    desk.clock.forward(minutes=1)
    assert reply_of(await by_gateway(web, "stop")) == reply_of(await by_gateway(web, "stop"))
    assert [entry for entry in await chosen(desk) if entry[3] == "sms-keyword"] == [
        ("p-1", "sms", "off", "sms-keyword")
    ]


async def test_an_old_stop_that_comes_again_does_not_undo_a_later_start(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    await wants_texts(desk, web, clinic_id)
    for minute, (word, text_id) in enumerate([("stop", "m1"), ("start", "m2"), ("stop", "m1")]):
        desk.clock.forward(minutes=1 + minute)
        await by_gateway(web, word, text_id=text_id)
    assert {state for state, _ in await desk.states()} == {"scheduled"}


async def test_start_proves_the_number_and_is_consent(desk: Desk, web: httpx.AsyncClient, clinic_id: str) -> None:
    await desk.admit(known(clinic_id, "de"))
    assert reply_of(await by_gateway(web, "Ja!")) == (
        "Riverside: ab jetzt bekommen Sie SMS zu Ihren Terminen. Keine SMS mehr: mit STOP antworten."
    )
    await web.post("/patients/p-1/choices", json={"choices": {"channel": "sms"}}, headers=as_(clinic_id, "front-desk"))
    await desk.admit(Example(clinic_id).booked())
    assert {row.channel for row in await desk.deliveries()} == {"sms"}


@pytest.mark.parametrize("words", ["HELP", "I can't come tomorrow"])
async def test_help_and_whatever_nobody_reads_is_answered_with_a_number_to_call(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str, words: str
) -> None:
    await desk.admit(known(clinic_id))
    reply = reply_of(await by_gateway(web, words))
    assert reply is not None
    assert "please call +44 20 7946 0101" in reply
    assert await chosen(desk) == []


async def test_stop_ends_the_texts_of_everybody_who_gave_the_number_in_every_clinic(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    await desk.admit(known(clinic_id), known(f"{clinic_id}-other", patient_id="p-9"))
    await by_gateway(web, "STOP")
    assert [entry[:3] for entry in await chosen(desk)] == [("p-1", "sms", "off"), ("p-9", "sms", "off")]


async def test_a_number_that_nobody_gave_gets_no_answer(desk: Desk, web: httpx.AsyncClient) -> None:
    assert reply_of(await by_gateway(web, "STOP", "+447700900999")) is None
    assert await chosen(desk) == []


async def test_a_call_that_is_not_signed_or_not_as_agreed_is_refused(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    await desk.admit(known(clinic_id))
    body: dict[str, Any] = {"id": "m1", "from": PHONE, "body": "STOP"}
    assert (await web.post("/texts/gate", json=body)).status_code == 401
    assert (await by_twilio(web, "STOP", token="another")).status_code == 401
    assert (await by_gateway(web, "STOP", "0770 900 123")).status_code == 422
    assert (await web.post("/texts/nobody", json=body)).status_code == 404
    assert await chosen(desk) == []


async def test_twilio_is_answered_in_its_markup_but_not_to_what_it_answers_itself(
    desk: Desk, web: httpx.AsyncClient, clinic_id: str
) -> None:
    await desk.admit(known(clinic_id, "fr"))
    arret = await by_twilio(web, "ARRET")
    assert arret.headers["content-type"].startswith("text/xml")
    message = ElementTree.fromstring(arret.text).find("Message")  # our own
    assert message is not None
    assert (message.text or "").startswith("Riverside : vous ne recevrez plus de SMS")
    for body, more in (("STOP", {}), ("BASTA", {"OptOutType": "STOP"})):
        answer = await by_twilio(web, body, **more)
        assert ElementTree.fromstring(answer.text).find("Message") is None  # our own
    assert [entry[:3] for entry in await chosen(desk)] == [("p-1", "sms", "off")]
