"""What every channel's provider looks like to the sender."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from services.notifications.domain.receipts import Receipt


class Dialogue(Protocol):
    """A provider that waits for the message."""

    async def hand_over(self) -> str:
        """Returns when the provider has taken the message, with its reference ("" where it gives none).

        Raises:
            PutOff, Rejected: certainly not taken.
            Uncertain: nobody can know.
        """
        ...


class Provider(Protocol):
    """One way to hand over messages of a channel. `key` is the same for every attempt at a message."""

    @property
    def name(self) -> str:
        """Stands in the ledger."""
        ...

    def dialogue(self, parcel: Any, key: str) -> AbstractAsyncContextManager[Dialogue]:
        """A message begun: until `hand_over` it can be taken back by leaving.

        Raises:
            Unreachable, PutOff, Rejected: nothing was handed over.
        """
        ...

    async def arrived(self, key: str) -> bool | None:
        """Whether the message of an attempt that nobody knows the end of was taken; None: it can't be asked.

        Raises:
            Unreachable: no answer now; ask again later.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class NotAuthentic(Exception):
    """A report is not signed by the provider."""


class Unintelligible(Exception):
    """A report is signed, but can't be read."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A text message from somebody. `answered`: whether the provider has answered it already."""

    message_id: str
    number: str
    """E.164."""
    body: str = field(repr=False)
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say to a provider that hands in a text message: it sends on what is in it."""

    content: bytes
    media_type: str


class Listening(Protocol):
    """A provider that hands in what patients text back, by calling us."""

    @property
    def name(self) -> str: ...

    def incoming(self, url: str, headers: Mapping[str, str], body: bytes) -> Incoming:
        """The text message in a call to `url` (as the provider knows it); names of headers in lower case.

        Raises:
            NotAuthentic: the signature is missing, wrong or too old.
            Unintelligible: signed, but not as agreed.
        """
        ...

    def answer(self, words: str) -> Answer:
        """What has `words` sent back; nothing is where they are empty."""
        ...


class Reporting(Protocol):
    """A provider that reports what became of messages, by calling us."""

    @property
    def name(self) -> str: ...

    def receipts(self, url: str, headers: Mapping[str, str], body: bytes) -> Sequence[Receipt]:
        """The receipts in a call to `url` (as the provider knows it); names of headers in lower case.

        Raises:
            NotAuthentic: the signature is missing, wrong or too old.
            Unintelligible: signed, but not as agreed.
        """
        ...
