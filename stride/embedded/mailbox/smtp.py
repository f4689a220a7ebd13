"""Mail in: an SMTP server that answers 250 only for what is stored."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiosmtpd.smtp import SMTP, Envelope, Session

from stride.embedded.mailbox.store import Store


class Inbound:
    """Puts each message into the store."""

    def __init__(self, store: Store) -> None:
        self._store: Store = store

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the name that aiosmtpd calls
        raw = envelope.original_content or b""
        recipients = [str(recipient) for recipient in envelope.rcpt_tos]
        sender = envelope.mail_from or ""
        number = await asyncio.to_thread(self._store.add, sender, recipients, raw, time.time())
        return f"250 OK stored as {number}"


@asynccontextmanager
async def receiving(store: Store, host: str, port: int) -> AsyncGenerator[None]:
    """Takes mail at the address while inside."""
    loop = asyncio.get_running_loop()
    inbound = Inbound(store)
    server = await loop.create_server(
        lambda: SMTP(inbound, enable_SMTPUTF8=True, loop=loop, ident="Stride inbox"),
        host,
        port,
    )
    async with server:
        yield
