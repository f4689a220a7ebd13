"""Handing messages to an SMTP server, over connections that are kept."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib

from services.notifications.domain.parcels import Letter
from services.notifications.domain.receipts import Receipt
from services.notifications.gateways import signed_reports
from services.notifications.gateways.email.dkim import Dkim
from services.notifications.gateways.email.inbox import Inbox
from services.notifications.gateways.outcomes import PutOff, Rejected, Uncertain, Unreachable

_PERMANENT = 500
_REFUSAL = 400
_NO_SUCH_ADDRESS: Final = frozenset({550, 551, 553})
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: a command is waited for `command`, the answer to a whole message `answer`."""

    command: float
    answer: float


class Mail:
    """A mail server, by `smtp://`, `smtp+starttls://` or `smtps://` `[user:password@]host:port`.

    `smtp` uses STARTTLS where the server offers it, and insists on it before it gives a password away;
    `smtp+starttls` always insists; `smtps` is TLS from the start. Certificates are verified, against
    the authorities in the file `authorities` where it is given. Several messages may be on their way
    at a time, each over its own connection.
    """

    def __init__(
        self,
        name: str,
        url: str,
        patience: Patience,
        *,
        inbox: Inbox | None = None,
        dkim: Dkim | None = None,
        authorities: str | None = None,
        reports_secret: str = "",
    ) -> None:
        self.name = name
        self._url = urlsplit(url)
        self._patience = patience
        self._inbox = inbox
        self._dkim = dkim
        self._authorities = authorities
        self._reports_secret = reports_secret
        self._idle: list[aiosmtplib.SMTP] = []

    @asynccontextmanager
    async def dialogue(self, parcel: Letter, key: str) -> AsyncGenerator["MailDialogue"]:  # the message has its own id
        """A message begun: the server knows who writes to whom and waits for the content.

        Leaving without handing anything over takes it back. The connection is kept if all went well.
        """
        client = await self._begun(parcel.sender)
        try:
            await _addressed(client, parcel.recipient)
            dialogue = MailDialogue(client, parcel.message, self._dkim, self._patience.answer)
            yield dialogue
            if not dialogue.handed_over:
                await client.rset()
        except aiosmtplib.SMTPResponseException as error:
            client.close()
            raise _refusal(error) from error
        except BaseException:
            # Cancelled or lost in the middle of a dialogue: nobody else may go on with it.
            client.close()
            raise
        self._idle.append(client)

    async def arrived(self, key: str) -> bool | None:
        """Whether a message with the Message-ID `key` lies in the inbox, where there is one."""
        return await self._inbox.has(key) if self._inbox else None

    async def close(self) -> None:
        """Say goodbye to the server."""
        if self._inbox:
            await self._inbox.close()
        while self._idle:
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await self._idle.pop().quit(timeout=1)

    def receipts(self, url: str, headers: Mapping[str, str], body: bytes) -> list[Receipt]:  # signed by header alone
        """Bounces and deliveries that the mail provider reports by our contract."""
        return signed_reports.read(self._reports_secret, headers, body)

    async def _begun(self, sender: str) -> aiosmtplib.SMTP:
        """MAIL FROM on a kept connection, or on a new one where the server has closed the kept one."""
        while self._idle:
            client = self._idle.pop()
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await client.mail(sender, encoding="ascii")
                return client
            client.close()
        client = await self._connected()
        try:
            await client.mail(sender, encoding="ascii")
        except aiosmtplib.SMTPResponseException as error:
            client.close()
            raise _refusal(error) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            raise Unreachable(type(error).__name__) from error
        return client

    async def _connected(self) -> aiosmtplib.SMTP:
        scheme, user = self._url.scheme, self._url.username
        insist = scheme == "smtp+starttls" or (user is not None and self._url.hostname not in _LOOPBACK)
        client = aiosmtplib.SMTP(
            hostname=self._url.hostname,
            port=self._url.port,
            use_tls=scheme == "smtps",
            start_tls=True if insist and scheme != "smtps" else None,
            cert_bundle=self._authorities,
            username=unquote(user) if user else None,
            password=unquote(self._url.password) if self._url.password else None,
            timeout=self._patience.command,
        )
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            raise Unreachable(type(error).__name__) from error
        return client


class MailDialogue:
    """A mail server waiting for the content of a message."""

    def __init__(
        self, client: aiosmtplib.SMTP, message: EmailMessage, dkim: Dkim | None, answer_seconds: float
    ) -> None:
        self._client = client
        self._message = message
        self._dkim = dkim
        self._answer_seconds = answer_seconds
        self.handed_over = False

    async def hand_over(self) -> str:
        """Returns when the server has taken the message.

        Raises:
            Uncertain: the connection was lost on the way: nobody can know.
            aiosmtplib.SMTPResponseException: the server does not take it; `Mail.dialogue` translates it.
        """
        content = self._message.as_bytes()
        signed = self._dkim.signed(content) if self._dkim else content
        self.handed_over = True
        try:
            await self._client.data(signed, timeout=self._answer_seconds)
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError) as error:
            raise Uncertain(type(error).__name__) from error
        return ""


async def _addressed(client: aiosmtplib.SMTP, recipient: str) -> None:
    try:
        await client.rcpt(recipient, encoding="ascii")
    except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError) as error:
        raise Unreachable(type(error).__name__) from error
    except UnicodeEncodeError as error:
        raise Rejected("smtp-553") from error


def _refusal(error: aiosmtplib.SMTPResponseException) -> Exception:
    code = f"smtp-{error.code}"
    if error.code < _REFUSAL:
        return Uncertain(f"unexpected answer {error.code}")
    if error.code < _PERMANENT:
        return PutOff(code)
    return Rejected(code, elsewhere=error.code not in _NO_SUCH_ADDRESS)
