"""Every kind of mail in every language, sent over real SMTP: signed as an independent verifier wants it, and parsed.

The verifier is mailauth (Node.js); the parsers are Python's own of mails and icalendar's of invitations.
"""

from base64 import b64encode
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from typing import Any, cast

import icalendar
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from services.notifications.domain.parcels import Letter
from services.notifications.domain.state import Delivery
from services.notifications.gateways import Mail, Patience
from services.notifications.gateways.email import Dkim
from services.notifications.letters import Letters, Wordings
from services.notifications.letters.samples import NOW, STAFF, sample_contact, sample_content
from services.notifications.letters.wordings import Wording
from shared.clinics import load_clinics
from shared.links import Signer
from shared.settings import ROOT
from stride.embedded.ports import LOOPBACK
from tests.handlers.notifications_desk import Post, post_office
from tests.node_packages import asked, installed

CLINIC = load_clinics(ROOT / "clinics")["riverside"]
LETTERS = Letters(Wordings(), "https://stride.example/", Signer([b"key"]))
WORDINGS = [
    LETTERS.wordings.find(topic, language)
    for topic in LETTERS.wordings.allowed
    for language in (["en"] if topic in STAFF else LETTERS.wordings.languages)
]


@dataclass(frozen=True)
class Sent:
    """What arrived: the bytes, by wording, and the file that each lies in."""

    key_record: str
    raw: Mapping[str, bytes]
    folder: Path

    def verdicts(self, messages: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
        """What the verifier says."""
        script, files = installed(Path(__file__).parent / "dkim"), []
        for number, content in enumerate(messages.values()):
            files.append(self.folder / f"{number}.eml")
            files[-1].write_bytes(content)
        return dict(zip(messages, asked(script, [self.key_record, *files]), strict=True))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sent(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Sent]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    folder = tmp_path_factory.mktemp("mail")
    async with post_office(folder / "box") as post:
        await _send_all(post, _pem(key))
        arrived = post.store.find(message_id=None, since=0, after=0, limit=1_000)
        contents = [post.store.raw(summary.id) or b"" for summary in arrived]
    raw = dict(zip([wording.name for wording in WORDINGS], contents, strict=True))
    yield Sent(f"v=DKIM1; k=rsa; p={_base64(public)}", raw, folder)


def _pem(key: rsa.RSAPrivateKey) -> str:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL)
    return key.private_bytes(*form, serialization.NoEncryption()).decode()


def _base64(content: bytes) -> str:
    return b64encode(content).decode()


async def _send_all(post: Post, key: str) -> None:
    mail = Mail("smtp", f"smtp://{LOOPBACK}:{post.port}", Patience(5, 5), dkim=Dkim("riverside.example", "s1", key))
    for wording in WORDINGS:
        async with mail.dialogue(_composed(wording), wording.name) as dialogue:
            await dialogue.hand_over()
    await mail.close()


def _composed(wording: Wording) -> Letter:
    content = sample_content(CLINIC, wording.topic, 1)
    assert content.milestone is not None
    content = replace(content, alerts=(content.milestone,))
    to_staff = wording.topic in STAFF
    delivery = Delivery(
        wording.name.replace("/", "-"), "staff" if to_staff else "patient", CLINIC.staff[0].id if to_staff else "p-1",
        wording.topic, "subject", 1, NOW,
    )  # fmt: skip
    if to_staff:
        return LETTERS.to_staff(CLINIC, "p-1", delivery, content, NOW)
    return LETTERS.to_patient(CLINIC, sample_contact(wording.language), delivery, content, NOW)


def test_each_is_signed_for_the_clinics_domain_with_its_unsubscribe_headers_under_the_signature(sent: Sent) -> None:
    assert len(sent.raw) == len(WORDINGS)
    for name, verdict in sent.verdicts(sent.raw).items():
        assert (verdict["result"], verdict["domain"]) == ("pass", "riverside.example"), name
        covered = {header.strip() for header in verdict["headers"].split(":")}
        assert {"from", "to", "subject", "date", "message-id", "content-type"} <= covered, name
        if name.partition("/")[0] not in STAFF:
            assert {"list-unsubscribe", "list-unsubscribe-post"} <= covered, name


def test_a_mail_that_was_changed_on_its_way_is_found_out(sent: Sent) -> None:
    whole = next(content for name, content in sent.raw.items() if name.startswith("booked/"))
    changed = {
        "body": whole + b"PS\r\n",
        "subject": whole.replace(b"\r\nSubject: ", b"\r\nSubject: Urgent: ", 1),
        "unsubscribe": whole.replace(b"/u/", b"/v/", 1),
    }
    assert {verdict["result"] for verdict in sent.verdicts(changed).values()} <= {"fail", "neutral"}


@pytest.mark.parametrize("wording", WORDINGS, ids=lambda wording: wording.name)
def test_each_is_read_back_without_a_defect_as_text_and_as_html_and_in_its_language(
    sent: Sent, wording: Wording
) -> None:
    mail = message_from_bytes(sent.raw[wording.name], _class=EmailMessage, policy=modern)
    assert [defect for part in mail.walk() for defect in (*part.defects, *_of_headers(part))] == []
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == NOW
    assert mail["From"].addresses[0].addr_spec == CLINIC.email
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().strip()
    assert f'lang="{wording.language}"' in html.get_content()
    assert ('dir="rtl"' in html.get_content()) == (wording.language == "ar")
    if wording.topic not in STAFF:
        assert mail["Content-Language"] == wording.language
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert mail["Subject"] != "" or wording.language == "en"


def _of_headers(part: EmailMessage) -> list[Exception]:
    return [defect for header in part.values() for defect in getattr(header, "defects", ())]


@pytest.mark.parametrize("wording", [w for w in WORDINGS if w.source.calendar], ids=lambda wording: wording.name)
def test_each_invitation_is_one_that_a_calendar_program_reads(sent: Sent, wording: Wording) -> None:
    mail = message_from_bytes(sent.raw[wording.name], _class=EmailMessage, policy=modern)
    parts = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    calendars = [icalendar.Calendar.from_ical(cast("bytes", part.get_payload(decode=True))) for part in parts]
    for part, calendar in zip(parts, calendars, strict=True):
        assert part.get_param("method") == calendar["METHOD"]
        (event,) = calendar.walk("VEVENT")
        assert event.errors == []
        assert event["UID"]
    assert len(parts) == (1 if wording.topic in {"booked", "moved", "cancelled", "ended"} else 0)
