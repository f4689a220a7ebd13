"""What is handed to a channel's provider: addresses and content, ready to go. Never stored."""

from dataclasses import dataclass
from email.message import EmailMessage


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail. The addresses are the envelope's."""

    message: EmailMessage
    sender: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Text:
    """An SMS; `to` is an E.164 number."""

    to: str
    body: str


@dataclass(frozen=True, slots=True)
class Note:
    """A message to a staff chat; `address` is an Apprise URL, which holds secrets."""

    address: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Event:
    """A webhook call; signed with every one of `secrets`: two while they rotate."""

    url: str
    secrets: tuple[str, ...]
    body: bytes


Parcel = Letter | Text | Note | Event
