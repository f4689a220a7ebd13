"""Staff chat through Apprise. It never tries again by itself: the ledger does."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from apprise import Apprise, AppriseAsset, NotifyFormat

from services.notifications.domain.parcels import Note
from services.notifications.gateways.outcomes import PutOff, Rejected, Uncertain


class Chat:
    """All staff chats; the address that a note carries says which."""

    def __init__(self, name: str, seconds: float) -> None:
        self.name = name
        self._seconds = seconds
        self._asset = AppriseAsset(default_service_retry=0, app_id="Stride", secure_logging=True)

    @asynccontextmanager
    async def dialogue(self, parcel: Note, key: str) -> AsyncGenerator["_Posting"]:  # no chat takes a key
        """The note is posted when it is handed over.

        Raises:
            Rejected: Apprise can't read the address.
        """
        chat = Apprise(asset=self._asset)
        if not chat.add(parcel.address):
            raise Rejected("address")
        yield _Posting(chat, parcel, self._seconds)

    async def arrived(self, key: str) -> None:
        """No chat can be asked."""

    async def close(self) -> None:
        """Nothing is kept open."""


@dataclass(frozen=True, slots=True)
class _Posting:
    chat: Apprise
    note: Note
    seconds: float

    async def hand_over(self) -> str:
        """Returns "": chats give no reference.

        Raises:
            PutOff: the chat did not take it, or Apprise could not reach it; it does not say which.
            Uncertain: no answer in time.
        """
        try:
            async with asyncio.timeout(self.seconds):
                taken = await self.chat.async_notify(
                    body=self.note.body, title=self.note.title, body_format=NotifyFormat.TEXT
                )
        except TimeoutError as error:
            raise Uncertain("no answer") from error
        if not taken:
            raise PutOff("chat-did-not-take-it")
        return ""
