"""Local accounts: a file that `stride init` and `stride account` write, read again when it changes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from services.console.domain.people import Person
from shared.events.base import Identifier
from shared.settings import ConfigurationInvalid
from shared.tokens import Role

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""argon2id at the least that OWASP's password storage cheat sheet recommends: it has to fit a small container."""
_NOBODYS: Final = _HASHER.hash("nobody has this password")


class Account(BaseModel):
    """One account, by its user name (an e-mail address)."""

    model_config = ConfigDict(frozen=True)

    clinic_id: Identifier
    person_id: Identifier
    name: Annotated[str, Field(min_length=1, max_length=200)]
    roles: Annotated[frozenset[Role], Field(min_length=1)]
    password: str
    """argon2id, in the PHC string format."""

    @property
    def person(self) -> Person:
        """Whose account it is."""
        return Person(self.clinic_id, self.person_id, self.name, self.roles)


class _File(RootModel[dict[str, Account]]):
    pass


class Accounts:
    """The accounts of a file; none where there is no file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = 0
        self._known: Mapping[str, Account] = {}

    def of(self, name: str) -> Account | None:
        """The account of that user name."""
        self._look()
        return self._known.get(name.strip().lower())

    def signed_in(self, name: str, password: str) -> Account | None:
        """The account, where the password is right. Takes as long where there is no such account."""
        account = self.of(name)
        try:
            _HASHER.verify(account.password if account else _NOBODYS, password)
        except (VerificationError, InvalidHashError):
            return None
        return account

    def _look(self) -> None:
        """Read the file where it has changed.

        Raises:
            ConfigurationInvalid: it is no file of accounts.
        """
        try:
            changed_at = self._path.stat().st_mtime_ns
            if changed_at != self._read_at:
                self._known = _File.model_validate(json.loads(self._path.read_text(encoding="utf-8"))).root
                self._read_at = changed_at
        except FileNotFoundError:
            self._known = {}
        except (OSError, ValueError, ValidationError):
            raise ConfigurationInvalid(f"{self._path} is no file of accounts. `stride account` makes one.") from None


def password_hash(password: str) -> str:
    """What the file keeps of a password."""
    return _HASHER.hash(password)
