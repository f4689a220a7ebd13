"""Accounts of the console: one for each member of the clinics' staff, with a generated password.

Nothing is ever overwritten: whoever has a password today has it tomorrow. Services read `accounts.json`, which
holds hashes; `accounts.txt` is for people: `clinic e-mail roles password`, one a line.
"""

import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from services.console.gateways.accounts import password_hash
from shared.clinics import Clinic, StaffMember, load_clinics
from shared.settings import ROOT
from stride.embedded.secret_files import append_secret, replace_secret


def known_clinics(ids: Iterable[str] = ()) -> list[Clinic]:
    """The clinics of `STRIDE_CLINICS`, or of `clinics/` beside the packages; those of `ids` alone where given."""
    wanted = set(ids)
    clinics = load_clinics(Path(os.environ.get("STRIDE_CLINICS") or ROOT / "clinics"))
    return [clinic for clinic in clinics.values() if not wanted or clinic.clinic_id in wanted]


def accounts_file(folder: Path) -> Path:
    """The file that the console reads."""
    return folder / "accounts.json"


def clear_passwords(folder: Path) -> Path:
    """The file for people."""
    return folder / "accounts.txt"


def ensure_accounts(folder: Path, clinics: Iterable[Clinic]) -> None:
    """Make an account for whoever of the staff has none."""
    known = read_accounts(folder)
    missing = [(clinic, member) for clinic in clinics for member in clinic.staff if member.email.lower() not in known]
    for clinic, member in missing:
        add_account(folder, clinic.clinic_id, member)
    if not accounts_file(folder).exists():
        replace_secret(accounts_file(folder), "{}\n")


def add_account(folder: Path, clinic_id: str, member: StaffMember) -> str:
    """An account for `member`, or a new password for the one that they have; returns the password."""
    name, password = member.email.lower(), secrets.token_urlsafe(12)
    account = {
        "clinic_id": clinic_id,
        "person_id": member.id,
        "name": member.name,
        "roles": list(member.roles),
        "password": password_hash(password),
    }
    # The clear text first: a hash whose password nobody knows would be of no use to anyone.
    append_secret(clear_passwords(folder), f"{clinic_id} {name} {','.join(member.roles)} {password}\n")
    _write(folder, {**read_accounts(folder), name: account})
    return password


def remove_account(folder: Path, name: str) -> bool:
    """Take an account away; its sessions end with it. False where there is none."""
    known = read_accounts(folder)
    if known.pop(name.lower(), None) is None:
        return False
    _write(folder, known)
    return True


def read_accounts(folder: Path) -> dict[str, dict[str, Any]]:
    """The accounts by user name."""
    try:
        known: dict[str, dict[str, Any]] = json.loads(accounts_file(folder).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return known


def _write(folder: Path, accounts: dict[str, dict[str, Any]]) -> None:
    mode = accounts_file(folder).stat().st_mode if accounts_file(folder).exists() else None
    replace_secret(accounts_file(folder), json.dumps(accounts, indent=2) + "\n")
    if mode is not None:
        # As it was: docker compose mounts it into a container that reads it as somebody else.
        accounts_file(folder).chmod(mode)
