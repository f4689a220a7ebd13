"""Providers over real HTTP: what they get, what their answers mean, and what their reports must be signed with."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import orjson
import pytest
from standardwebhooks.webhooks import Webhook
from starlette.responses import JSONResponse, Response

from services.notifications.domain.parcels import Event, Note, Text
from services.notifications.domain.state import DeliveryState
from services.notifications.gateways import Gone, PutOff, Rejected, Uncertain, Unreachable
from services.notifications.gateways.chat import Chat
from services.notifications.gateways.provider import NotAuthentic, Provider, Unintelligible
from services.notifications.gateways.sms import SmsGateway, Twilio
from services.notifications.gateways.sms.twilio import signature
from services.notifications.gateways.webhooks import Webhooks, new_secret
from shared.clock import SystemClock
from stride.embedded.ports import LOOPBACK
from tests.handlers.remote import served

SECRET = new_secret()
HELLO = Text("+441632960001", "Your appointment has moved.")


async def _hand_over(provider: Provider, parcel: object, key: str = "d-1") -> str:
    try:
        async with provider.dialogue(parcel, key) as dialogue:
            return await dialogue.hand_over()
    finally:
        await provider.close()


def _gateway(url: str) -> SmsGateway:
    return SmsGateway(
        "gate", url, "token", sender="+44", reports_url="https://us/receipts/gate", reports_secret=SECRET, seconds=2
    )


def _twilio(url: str) -> Twilio:
    return Twilio("tw", url, "AC1", "token", sender="MG1", reports_url="https://us.example/receipts/tw", seconds=2)


async def test_an_sms_gateway_gets_the_delivery_as_idempotency_key_and_reference() -> None:
    async with served() as remote:
        assert await _hand_over(_gateway(remote.url), HELLO) == "m-1"
    ((path, headers, body),) = remote.calls
    assert (path, headers["idempotency-key"], headers["authorization"]) == ("/messages", "d-1", "Bearer token")
    assert orjson.loads(body) == {
        "to": "+441632960001", "from": "+44", "body": "Your appointment has moved.", "reference": "d-1",
        "receipts": "https://us/receipts/gate",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (Response(status_code=429, headers={"retry-after": "7"}), PutOff), (Response(status_code=503), PutOff),
        (Response(status_code=400), Rejected), (Response(status_code=500), Uncertain),
        (Response(status_code=302, headers={"location": "/other"}), Uncertain), (Response("no json"), Uncertain),
    ],
)  # fmt: skip
async def test_an_answer_says_whether_the_message_was_certainly_not_taken(
    answer: Response, failure: type[Exception]
) -> None:
    async with served() as remote:
        remote.answers = [answer]
        with pytest.raises(failure) as raised:
            await _hand_over(_gateway(remote.url), HELLO)
    assert len(remote.calls) == 1
    if isinstance(raised.value, PutOff) and answer.status_code == 429:
        assert raised.value.seconds == 7


async def test_a_gateway_that_is_not_there_was_given_nothing() -> None:
    with pytest.raises(Unreachable):
        await _hand_over(_gateway(f"http://{LOOPBACK}:1"), HELLO)


@pytest.mark.parametrize(("status", "arrived"), [(200, True), (404, False)])
async def test_a_gateway_can_be_asked_for_a_message_whose_answer_was_lost(status: int, *, arrived: bool) -> None:
    async with served() as remote:
        remote.answers = [JSONResponse({}, status)]
        gateway = _gateway(remote.url)
        assert await gateway.arrived("d-1") is arrived
        await gateway.close()


async def test_twilio_gets_a_form_whose_callback_names_the_delivery() -> None:
    async with served() as remote:
        assert await _hand_over(_twilio(remote.url), HELLO) == "SM1"
    ((path, _, body),) = remote.calls
    assert path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert body.decode() == urlencode(
        {"To": HELLO.to, "Body": HELLO.body, "StatusCallback": "https://us.example/receipts/tw?delivery=d-1",
         "MessagingServiceSid": "MG1"}
    )  # fmt: skip


def test_a_twilio_callback_is_read_if_it_is_signed() -> None:
    url, body = "https://us.example/receipts/tw?delivery=d-1", b"MessageSid=SM1&MessageStatus=delivered"
    signed = signature("token", url, [("MessageSid", "SM1"), ("MessageStatus", "delivered")])
    (receipt,) = _twilio("http://x").receipts(url, {"x-twilio-signature": signed}, body)
    assert (receipt.delivery_id, receipt.state, receipt.reference) == ("d-1", DeliveryState.DELIVERED, "SM1")
    with pytest.raises(NotAuthentic):
        _twilio("http://x").receipts(url, {"x-twilio-signature": signed}, body.replace(b"delivered", b"sent"))


def test_twilios_own_example_has_its_signature() -> None:
    """From Twilio's documentation, Validating signatures."""
    fields = [("CallSid", "CA1234567890ABCDE"), ("Caller", "+14158675309"), ("Digits", "1234"),
              ("From", "+14158675309"), ("To", "+18005551212")]  # fmt: skip
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature("12345", url, fields) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def _signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    now = SystemClock().now().replace(microsecond=0)
    sign = Webhook(secret).sign(msg_id="r-1", timestamp=now, data=body.decode())
    return {"webhook-id": "r-1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": sign}


def test_a_report_by_our_contract_is_read_if_it_is_signed() -> None:
    body = b'{"reference": "d-1", "id": "m-1", "status": "bounced", "sequence": 4}'
    (receipt,) = _gateway("http://x").receipts("", _signed(body), body)
    assert (receipt.delivery_id, receipt.state, receipt.sequence) == ("d-1", DeliveryState.BOUNCED, 4)
    for headers in ({}, _signed(body, new_secret()), _signed(body) | {"webhook-signature": "nonsense"}):
        with pytest.raises(NotAuthentic):
            _gateway("http://x").receipts("", headers, body)
    for unfit in (b"{}", b'{"reference": "d-1", "status": "failed"}'):
        with pytest.raises(Unintelligible):
            _gateway("http://x").receipts("", _signed(unfit), unfit)


async def test_a_webhook_is_signed_with_both_secrets_while_they_rotate() -> None:
    old, body = new_secret(), b'{"type":"appointment.moved"}'
    async with served() as remote:
        event = Event(f"{remote.url}/hook", (SECRET, old), body)
        await _hand_over(Webhooks("webhooks", 2, private_allowed=True), event)
    ((_, headers, sent),) = remote.calls
    assert headers["webhook-id"] == "d-1"
    assert abs(int(headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60  # noqa: TID251
    for secret in (SECRET, old):
        assert Webhook(secret).verify(sent, headers) == {"type": "appointment.moved"}


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (Response(status_code=410), Gone), (Response(status_code=500), PutOff), (Response(status_code=404), PutOff),
        (Response(status_code=307, headers={"location": "/elsewhere"}), PutOff),
    ],
)  # fmt: skip
async def test_a_webhook_follows_no_redirect_and_ends_with_410(answer: Response, failure: type[Exception]) -> None:
    async with served() as remote:
        remote.answers = [answer]
        with pytest.raises(failure):
            await _hand_over(
                Webhooks("webhooks", 2, private_allowed=True), Event(f"{remote.url}/hook", (SECRET,), b"{}")
            )
    assert len(remote.calls) == 1


async def test_a_name_that_points_into_our_network_is_never_connected_to() -> None:
    async with served() as remote:
        with pytest.raises(PutOff, match="AddressRefused"):
            await _hand_over(Webhooks("webhooks", 2), Event(f"http://localhost:{remote.port}/", (SECRET,), b"{}"))
    assert remote.calls == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Apprise's own imports
async def test_a_staff_chat_gets_a_note_once_and_a_refusal_is_no_success() -> None:
    async with served() as remote:
        note = Note(f"json://{LOOPBACK}:{remote.port}/chat", "[Stride] critical", "Look at the alert.")
        assert await _hand_over(Chat("apprise", 5), note) == ""
        remote.answers = [Response(status_code=500)]
        with pytest.raises(PutOff):
            await _hand_over(Chat("apprise", 5), note)
    assert len(remote.calls) == 2
    assert orjson.loads(remote.calls[0][2])["message"] == "Look at the alert."
    with pytest.raises(Rejected):
        await _hand_over(Chat("apprise", 5), Note("nonsense", "", ""))
