"""Handing messages to an SMTP server, over connections that are kept.

The error says what is known of the message, so that the ledger can be honest (RFC 1047: after the
final dot, a lost answer leaves it open whether the message was taken).
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from email.message import EmailMessage
from typing import Self
from urllib.parse import unquote, urlsplit

import aiosmtplib

_PERMANENT = 500
_REFUSAL = 400
_NO_SUCH_ADDRESS = 553


class MailUnreachable(Exception):
    """The server can't be talked to; nothing of the message was handed over."""


class MailDeferred(Exception):
    """The server does not take the message now (4xx); `code` says why."""

    def __init__(self, code: int) -> None:
        super().__init__(f"smtp-{code}")
        self.code = code


class MailRejected(Exception):
    """The server will never take the message (5xx); `code` says why."""

    def __init__(self, code: int) -> None:
        super().__init__(f"smtp-{code}")
        self.code = code


class MailUncertain(Exception):
    """The connection was lost while the message was handed over: it may have been taken."""


class Mail:
    """A mail server, by `smtp://[user:password@]host:port` or `smtps://` (TLS from the start).

    Several messages may be on their way at a time, each over its own connection. A command is
    waited for `command_seconds`, the answer to a whole message `answer_seconds`.
    """

    def __init__(self, url: str, *, command_seconds: float, answer_seconds: float) -> None:
        self._url = urlsplit(url)
        self._command_seconds = command_seconds
        self._answer_seconds = answer_seconds
        self._idle: list[aiosmtplib.SMTP] = []

    @asynccontextmanager
    async def dialogue(self, sender: str, recipient: str) -> AsyncGenerator["Dialogue"]:
        """A message begun: the server knows who writes to whom and waits for the content.

        Leaving without handing anything over takes it back. The connection is kept if all went well.

        Raises:
            MailUnreachable: before anything was handed over.
            MailDeferred: not now.
            MailRejected: never.
        """
        client = await self._begun(sender)
        try:
            await _addressed(client, recipient)
            dialogue = Dialogue(client, self._answer_seconds)
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

    async def close(self) -> None:
        """Say goodbye to the server."""
        while self._idle:
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await self._idle.pop().quit(timeout=1)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

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
            raise MailUnreachable(type(error).__name__) from error
        return client

    async def _connected(self) -> aiosmtplib.SMTP:
        client = aiosmtplib.SMTP(
            hostname=self._url.hostname,
            port=self._url.port,
            use_tls=self._url.scheme == "smtps",
            username=unquote(self._url.username) if self._url.username else None,
            password=unquote(self._url.password) if self._url.password else None,
            timeout=self._command_seconds,
        )
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            raise MailUnreachable(type(error).__name__) from error
        return client


class Dialogue:
    """A mail server waiting for the content of a message."""

    def __init__(self, client: aiosmtplib.SMTP, answer_seconds: float) -> None:
        self._client = client
        self._answer_seconds = answer_seconds
        self.handed_over = False

    async def hand_over(self, message: EmailMessage) -> None:
        """Returns when the server has taken the message.

        Raises:
            MailUncertain: the connection was lost on the way: nobody can know.
            aiosmtplib.SMTPResponseException: the server does not take it; `Mail.dialogue` translates it.
        """
        content = message.as_bytes()
        self.handed_over = True
        try:
            await self._client.data(content, timeout=self._answer_seconds)
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError) as error:
            raise MailUncertain(type(error).__name__) from error


async def _addressed(client: aiosmtplib.SMTP, recipient: str) -> None:
    try:
        await client.rcpt(recipient, encoding="ascii")
    except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError) as error:
        raise MailUnreachable(type(error).__name__) from error
    except UnicodeEncodeError as error:
        raise MailRejected(_NO_SUCH_ADDRESS) from error


def _refusal(error: aiosmtplib.SMTPResponseException) -> Exception:
    if error.code < _REFUSAL:
        return MailUncertain(f"unexpected answer {error.code}")
    return MailRejected(error.code) if error.code >= _PERMANENT else MailDeferred(error.code)
