"""Generated secrets in files: a folder with mode 0700, files with mode 0600.

Nothing is ever overwritten: whoever has a password or token today has it tomorrow.
"""

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shared.clinics import load_clinics
from shared.settings import ROOT
from stride.embedded.errors import BadConfiguration
from stride.embedded.secret_files import append_secret, replace_secret

# The roles of PostgreSQL: the owner of the database, who migrates, and one role for each service.
POSTGRES_ROLES = ("owner", "migrator", "intake", "scheduling", "progress", "notifications", "console")
# Who gets a token in each clinic: (system, role).
HOLDERS = (
    ("clinic-system", "clinic-system"),
    ("staff", "clinician"),
    ("front-desk", "front-desk"),
    ("operator", "operator"),
)
_CLINIC_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows: one clinic, in one role."""

    clinic_id: str
    system: str
    role: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """The secrets of one stack, read from its folder."""

    folder: Path
    postgres_owner: str

    @property
    def tokens(self) -> Path:
        """The file that services read: sha256 of each token, and what it allows."""
        return self.folder / "tokens.json"

    @property
    def clear_tokens(self) -> Path:
        """The file for people: the tokens themselves, one `clinic system role token` a line."""
        return self.folder / "tokens.txt"

    @staticmethod
    def ensure(folder: Path, clinics: Iterable[str] = ()) -> "Credentials":
        """Reads the folder's secrets, generating those that are missing."""
        grants = _grants(clinics)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        passwords = {role: _secret(folder / f"postgres_{role}") for role in POSTGRES_ROLES}
        credentials = Credentials(folder.absolute(), passwords["owner"])
        credentials.grant_missing(grants)
        return credentials

    def grant_missing(self, grants: Iterable[Grant]) -> list[Grant]:
        """Makes a token for each grant that has none; returns those that got one."""
        known = self.read_tokens()
        held = {tuple(entry.values()) for entry in known.values()}
        new = [grant for grant in grants if (grant.clinic_id, grant.system, grant.role) not in held]
        lines: list[str] = []
        for grant in new:
            token = f"stride_{secrets.token_urlsafe(32)}"
            entry = {"clinic_id": grant.clinic_id, "system": grant.system, "role": grant.role}
            known[hashlib.sha256(token.encode()).hexdigest()] = entry
            lines.append(f"{grant.clinic_id} {grant.system} {grant.role} {token}\n")
        if new or not self.tokens.exists():
            # The clear text first: a hash whose token nobody knows would be of no use to anyone.
            append_secret(self.clear_tokens, "".join(lines))
            replace_secret(self.tokens, json.dumps(known, indent=2) + "\n")
        return new

    def read_tokens(self) -> dict[str, dict[str, str]]:
        """The grants by sha256 of their tokens."""
        try:
            tokens: dict[str, dict[str, str]] = json.loads(self.tokens.read_text())
        except FileNotFoundError:
            return {}
        return tokens


def clinics_of() -> list[str]:
    """The ids that the files of `STRIDE_CLINICS`, or of `clinics/` beside the packages, give to their clinics."""
    return sorted(load_clinics(Path(os.environ.get("STRIDE_CLINICS") or ROOT / "clinics")))


def _grants(clinics: Iterable[str]) -> list[Grant]:
    named = list(clinics) or clinics_of()
    for clinic in named:
        if not _CLINIC_ID.fullmatch(clinic):
            raise BadConfiguration(
                f"{clinic!r} can't be the id of a clinic: letters, digits, '.', '_' and '-' are allowed, "
                "and the first must be a letter or digit."
            )
    return [Grant(clinic, system, role) for clinic in named for system, role in HOLDERS]


def _secret(path: Path) -> str:
    with suppress(FileNotFoundError):
        return path.read_text().strip()
    secret = secrets.token_urlsafe(24)
    replace_secret(path, secret)
    return secret
