"""Mail over TLS to real servers: STARTTLS and TLS from the start; whoever can't prove who they are gets nothing."""

import socket
import ssl
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
import pytest_asyncio
import trustme

from services.notifications.domain.parcels import Letter
from services.notifications.gateways import Mail, Patience, Unreachable
from stride.embedded.ports import LOOPBACK
from tests.handlers.notifications_desk import Post, post_office

ELSEWHERE = "127.0.0.2"
"""Another machine, as far as the name tells: a password may not go there in the clear."""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusted(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tls") / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def context(authority: trustme.CA, name: str = LOOPBACK, until: datetime | None = None) -> ssl.SSLContext:
    certificate = authority.issue_cert(name, not_after=until)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(made)
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def starttls(authority: trustme.CA, tmp_path: Path) -> AsyncGenerator[Post]:
    async with post_office(tmp_path, starttls=context(authority)) as office:
        yield office


@pytest_asyncio.fixture(loop_scope="session")
async def implicit(authority: trustme.CA, tmp_path: Path) -> AsyncGenerator[Post]:
    async with post_office(tmp_path / "implicit", tls=context(authority)) as office:
        yield office


async def hand_over(post: Post, scheme: str, *, authorities: str | None = None, host: str = LOOPBACK) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "desk@riverside.example", "ann@example.org", "Hello"
    message["Message-ID"] = "<one@riverside.example>"
    message.set_content("Hello Ann.")
    mail = Mail("smtp", f"{scheme}{host}:{post.port}", Patience(2, 2), authorities=authorities)
    try:
        async with mail.dialogue(Letter(message, "desk@riverside.example", "ann@example.org"), "one") as dialogue:
            await dialogue.hand_over()
    finally:
        await mail.close()


@pytest.mark.parametrize(
    "scheme", ["smtp://", "smtp+starttls://", "smtp://clinic:s3cret@", "smtp+starttls://clinic:s3cret@"]
)
async def test_a_server_that_offers_starttls_gets_mail_and_password_encrypted(
    starttls: Post, trusted: str, scheme: str
) -> None:
    await hand_over(starttls, scheme, authorities=trusted)
    assert starttls.secure == [True]
    assert starttls.logins == (["clinic"] if "@" in scheme else [])


@pytest.mark.parametrize("scheme", ["smtps://", "smtps://clinic:s3cret@"])
async def test_a_server_may_speak_tls_from_the_start(implicit: Post, trusted: str, scheme: str) -> None:
    await hand_over(implicit, scheme, authorities=trusted)
    assert implicit.secure == [True]


@pytest.mark.parametrize("scheme", ["smtp://", "smtp+starttls://", "smtp://clinic:s3cret@"])
async def test_a_certificate_of_an_unknown_authority_is_refused(starttls: Post, scheme: str) -> None:
    with pytest.raises(Unreachable):
        await hand_over(starttls, scheme)
    assert (starttls.messages(), starttls.logins) == ([], [])


async def test_so_it_is_with_tls_from_the_start(implicit: Post) -> None:
    with pytest.raises(Unreachable):
        await hand_over(implicit, "smtps://clinic:s3cret@")
    assert (implicit.messages(), implicit.logins) == ([], [])


@pytest.mark.parametrize("wrong", ["another.example", "expired"])
async def test_a_certificate_for_another_name_or_of_yesterday_is_refused(
    authority: trustme.CA, trusted: str, tmp_path: Path, wrong: str
) -> None:
    made = (
        context(authority, until=datetime(2020, 1, 1, tzinfo=UTC)) if wrong == "expired" else context(authority, wrong)
    )
    async with post_office(tmp_path, tls=made) as post:
        with pytest.raises(Unreachable):
            await hand_over(post, "smtps://", authorities=trusted)
    assert post.messages() == []


async def test_who_insists_on_starttls_hands_nothing_to_a_server_without_it(tmp_path: Path) -> None:
    async with post_office(tmp_path) as post:
        with pytest.raises(Unreachable):
            await hand_over(post, "smtp+starttls://")
        await hand_over(post, "smtp://")
    assert post.secure == [False]


async def test_a_password_never_goes_to_another_machine_in_the_clear(tmp_path: Path) -> None:
    try:
        socket.create_server((ELSEWHERE, 0)).close()
    except OSError:
        pytest.skip(f"{ELSEWHERE} is no address of this machine")
    async with post_office(tmp_path, host=ELSEWHERE) as post:
        with pytest.raises(Unreachable):
            await hand_over(post, "smtp://clinic:s3cret@", host=ELSEWHERE)
        assert (post.messages(), post.logins) == ([], [])
