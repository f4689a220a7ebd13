"""The mail inbox, asked over its HTTP list: what really arrived, and how often."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class Mail:
    """One message in the inbox. `received_at` is the machine's time, in epoch seconds."""

    message_id: str
    to: str
    subject: str
    received_at: float

    @property
    def delivery_id(self) -> str:
        """The delivery it carries out: its Message-ID is `<delivery id@...>`."""
        return self.message_id.strip("<>").split("@", 1)[0]


async def look_at_mail(mailbox: str) -> list[Mail]:
    """Everything in the inbox, oldest first."""
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        answer = await http.get(f"{mailbox}/api/messages")
        answer.raise_for_status()
        return [_mail(message) for message in answer.json()["messages"]]


def _mail(message: dict[str, Any]) -> Mail:
    return Mail(message["message_id"], ",".join(message["to"]), message["subject"], message["received_at"])


def twice(mails: Sequence[Mail], deliveries: Sequence[Any]) -> Iterator[str]:
    """Messages that somebody got more than once: same recipient, kind and subject."""
    about = {row["delivery_id"]: _identity(row) for row in deliveries}
    count = Counter(about.get(mail.delivery_id, (mail.to, mail.message_id)) for mail in mails)
    for identity, times in count.items():
        for _ in range(times - 1):
            yield f"{' '.join(map(str, identity))} came {times} times"


def _identity(row: Any) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("recipient_id", "topic", "subject_id", "subject_version", "slot"))
