"""Where the parts of a running stack are reached."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from stride.embedded.ports import LOOPBACK
from stride.embedded.secret_files import replace_secret

_FILE = "addresses.json"


@dataclass(frozen=True, slots=True)
class External:
    """Servers that are there already; for each one given, no embedded one is started."""

    kafka_bootstrap: str = ""
    database_url: str = ""
    smtp: str = ""
    mailbox: str = ""

    @staticmethod
    def from_environment(environment: Mapping[str, str]) -> "External":
        return External(
            kafka_bootstrap=environment.get("KAFKA_BOOTSTRAP", ""),
            database_url=environment.get("DATABASE_URL", ""),
            smtp=environment.get("STRIDE_SMTP", ""),
            mailbox=environment.get("STRIDE_MAILBOX", ""),
        )


@dataclass(frozen=True, slots=True)
class Addresses:
    """Every address of a stack. `mailbox` is empty when mail goes to a server of the user's own."""

    kafka_bootstrap: str
    database_url: str
    smtp: str
    mailbox: str
    tokens: Path
    services: Mapping[str, str] = field(default_factory=dict[str, str])

    def environment(self) -> dict[str, str]:
        """The environment by which services and tools find the servers."""
        return {
            "KAFKA_BOOTSTRAP": self.kafka_bootstrap,
            "DATABASE_URL": self.database_url,
            "STRIDE_SMTP": self.smtp,
            "STRIDE_MAILBOX": self.mailbox,
            "STRIDE_TOKENS": str(self.tokens),
        }

    def save(self, home: Path) -> None:
        """Leaves them in the home for other commands; only the user may read the file."""
        text = json.dumps(asdict(self) | {"tokens": str(self.tokens)}, indent=2)
        replace_secret(home / _FILE, text + "\n")

    @staticmethod
    def load(home: Path) -> "Addresses | None":
        """Those of the stack that runs from the home, or ran last; None when there never was one."""
        try:
            saved = json.loads((home / _FILE).read_text())
        except (FileNotFoundError, ValueError):
            return None
        return Addresses(**saved | {"tokens": Path(saved["tokens"])})


def http_address(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"
