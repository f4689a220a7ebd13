"""The messages, in one SQLite file: what was accepted is on the disk."""

import json
import sqlite3
import threading
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipients TEXT NOT NULL,
    subject TEXT NOT NULL,
    date TEXT NOT NULL,
    received_at REAL NOT NULL,
    raw BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS message_by_message_id ON message (message_id);
CREATE INDEX IF NOT EXISTS message_by_received_at ON message (received_at);
"""
_SELECT = "SELECT id, message_id, sender, recipients, subject, date, received_at FROM message"


@dataclass(frozen=True, slots=True)
class Summary:
    """One message without its content. `received_at` is the wall time in epoch seconds."""

    id: int
    message_id: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    date: str
    received_at: float


class Store:
    """Blocking: call it from a worker thread. Calls from several threads wait for each other."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._one_at_a_time: threading.Lock = threading.Lock()
        self._database: sqlite3.Connection = sqlite3.connect(
            folder / "mail.sqlite3", check_same_thread=False, isolation_level=None
        )
        self._database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + _SCHEMA)

    def add(self, sender: str, recipients: Iterable[str], raw: bytes, received_at: float) -> int:
        """Stores a message; when it returns, the message is on the disk."""
        message = parse(raw)
        row = (
            _header(message, "Message-ID"),
            sender,
            json.dumps(list(recipients)),
            _header(message, "Subject"),
            _header(message, "Date"),
            received_at,
            raw,
        )
        statement = (
            "INSERT INTO message (message_id, sender, recipients, subject, date, received_at, raw)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
        with self._one_at_a_time, closing(self._database.execute(statement, row)) as cursor:
            assert cursor.lastrowid is not None
            return cursor.lastrowid

    def find(self, *, message_id: str | None, since: float, after: int, limit: int) -> list[Summary]:
        """Messages in the order they came: received at `since` or later, with an id past `after`."""
        statement = (
            _SELECT + " WHERE (?1 IS NULL OR message_id = ?1) AND received_at >= ?2 AND id > ?3 ORDER BY id LIMIT ?4"
        )
        return self._summaries(statement, (message_id, since, after, limit))

    def latest(self, limit: int) -> list[Summary]:
        return self._summaries(_SELECT + " ORDER BY id DESC LIMIT ?", (limit,))

    def raw(self, number: int) -> bytes | None:
        """The message as it came over the wire, or None when there is none of that number."""
        with self._one_at_a_time:
            row: tuple[bytes] | None = self._database.execute(
                "SELECT raw FROM message WHERE id = ?", (number,)
            ).fetchone()
        return row[0] if row else None

    def _summaries(self, statement: str, values: tuple[object, ...]) -> list[Summary]:
        with self._one_at_a_time:
            rows = self._database.execute(statement, values).fetchall()
        return [_summary(row) for row in rows]


def _summary(row: tuple[int, str, str, str, str, str, float]) -> Summary:
    number, message_id, sender, recipients, subject, date, received_at = row
    return Summary(number, message_id, sender, tuple(json.loads(recipients)), subject, date, received_at)


def parse(raw: bytes) -> EmailMessage:
    """Never fails: the parser takes any bytes as some message."""
    return message_from_bytes(raw, _class=EmailMessage, policy=modern)


def _header(message: EmailMessage, name: str) -> str:
    """A header as one line of text; a malformed one is shown as far as it can be read."""
    try:
        value = message.get(name, "")
    except (ValueError, IndexError, AttributeError):
        # Broken headers make the standard library's parser raise these.
        value = dict(message.raw_items()).get(name, "")
    return " ".join(str(value).encode("utf-8", "replace").decode().split())
