"""Bearer tokens: which clinic, system and role a request comes from. Only hashes are stored."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, RootModel, ValidationError

from shared.events.base import Identifier
from shared.settings import ConfigurationInvalid

Role = Literal["clinic-system", "clinician", "front-desk", "operator", "auditor"]


class Bearer(BaseModel):
    """Who a token stands for. The clinic comes from here, never from a body."""

    model_config = ConfigDict(frozen=True)

    clinic_id: Identifier
    system: Identifier
    """The clinic system or person that holds the token."""
    role: Role


class _TokenFile(RootModel[dict[str, Bearer]]):
    pass


class NotAuthenticated(Exception):
    """No token, or one that nobody issued."""


class NotAllowed(Exception):
    """The token's role may not do this."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The issued tokens, by the SHA-256 of each."""

    by_hash: Mapping[str, Bearer]

    @classmethod
    def load(cls, path: Path) -> "Tokens":
        """Read the token file that `stride init` wrote.

        Raises:
            ConfigurationInvalid: the file is missing or not a token file.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls(_TokenFile.model_validate(content).root)
        except (OSError, ValueError, ValidationError):
            raise ConfigurationInvalid(f"{path} is no token file. `stride init` makes one.") from None

    def bearer(self, authorization: str, *roles: Role) -> Bearer:
        """Who an `Authorization: Bearer ...` header stands for.

        Raises:
            NotAuthenticated: the header is missing or its token unknown.
            NotAllowed: the token is none of `roles`.
        """
        scheme, _, token = authorization.partition(" ")
        bearer = self.by_hash.get(hashlib.sha256(token.strip().encode()).hexdigest())
        if scheme.lower() != "bearer" or bearer is None:
            raise NotAuthenticated
        if roles and bearer.role not in roles:
            raise NotAllowed
        return bearer
