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

    async def send(self, message: EmailMessage, sender: str, recipient: str) -> None:
        """Hand over one message; returns when the server has taken it.

        Raises:
            MailUnreachable: before anything was handed over.
            MailDeferred: not now.
            MailRejected: never.
            MailUncertain: nobody can know.
        """
        content = message.as_bytes()
        async with self._connection(sender) as client:
            try:
                await client.rcpt(recipient, encoding="ascii")
            except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError) as error:
                raise MailUnreachable(type(error).__name__) from error
            try:
                await client.data(content, timeout=self._answer_seconds)
            except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError) as error:
                raise MailUncertain(type(error).__name__) from error

    async def close(self) -> None:
        """Say goodbye to the server."""
        while self._idle:
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await self._idle.pop().quit(timeout=1)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @asynccontextmanager
    async def _connection(self, sender: str) -> AsyncGenerator[aiosmtplib.SMTP]:
        """A connection on which a message from `sender` has begun; kept only if all went well."""
        client = await self._begun(sender)
        try:
            yield client
        except aiosmtplib.SMTPResponseException as error:
            client.close()
            raise _refusal(error) from error
        except UnicodeEncodeError as error:
            client.close()
            raise MailRejected(553) from error
        except BaseException:
            # Cancelled or lost in the middle of a dialogue: nobody else may go on with it.
            client.close()
            raise
        self._idle.append(client)

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


def _refusal(error: aiosmtplib.SMTPResponseException) -> Exception:
    if error.code < _REFUSAL:
        return MailUncertain(f"unexpected answer {error.code}")
    return MailRejected(error.code) if error.code >= _PERMANENT else MailDeferred(error.code)
