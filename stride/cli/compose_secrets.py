"""The folder that docker compose mounts secrets from, file by file.

Each container reads its files under an account of its own, and a file keeps its mode when it is
mounted: with 0600 none could read it. So the files are 0644, in a folder that is closed (0700) to
every other account of this machine. Tokens and passwords in clear text are for people, never mounted, 0600.
"""

from collections.abc import Iterable
from pathlib import Path

from stride.embedded.credentials import POSTGRES_ROLES, Credentials
from stride.embedded.logins import ensure_accounts, known_clinics
from stride.embedded.secret_files import replace_secret

SMTP_URL = "smtp_url"
_MAILBOX = "smtp://mailbox:1025\n"
_MOUNTED = (SMTP_URL, "tokens.json", "accounts.json", *(f"postgres_{role}" for role in POSTGRES_ROLES))


def ensure(folder: Path, clinics: Iterable[str]) -> Credentials:
    """Reads the folder's secrets, generating those that are missing; mail goes to the mailbox at first."""
    credentials = Credentials.ensure(folder, clinics)
    ensure_accounts(folder, known_clinics(clinics))
    if not (folder / SMTP_URL).exists():
        replace_secret(folder / SMTP_URL, _MAILBOX)
    for name in _MOUNTED:
        (folder / name).chmod(0o644)
    return credentials
