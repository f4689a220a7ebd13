"""Bearer tokens: which clinic, system and role a request comes from. Only hashes are stored.

Beside the tokens that were issued there are passes: one service writes them to another, for somebody who has signed
in there, and they hold for a minute. Their key follows from the token file, which every service has and nobody else.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, RootModel, ValidationError

from shared.clock import wall_seconds
from shared.events.base import Identifier
from shared.settings import ConfigurationInvalid

_PASS: Final = "pass"  # noqa: S105  # a kind of token
_PASS_SECONDS: Final = 60
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
    passes_key: bytes = field(default=b"", repr=False)
    """Signs passes; without it there are none."""

    @property
    def clinics(self) -> set[str]:
        """The clinics that tokens were issued for."""
        return {issued.clinic_id for issued in self.by_hash.values()}

    @classmethod
    def load(cls, path: Path) -> "Tokens":
        """Read the token file that `stride init` wrote.

        Raises:
            ConfigurationInvalid: the file is missing or not a token file.
        """
        try:
            content = path.read_bytes()
            issued = _TokenFile.model_validate(json.loads(content)).root
            return cls(issued, hashlib.sha256(b"passes" + content).digest())
        except (OSError, ValueError, ValidationError):
            raise ConfigurationInvalid(f"{path} is no token file. `stride init` makes one.") from None

    def bearer(self, authorization: str, *roles: Role) -> Bearer:
        """Who an `Authorization: Bearer ...` header stands for.

        Raises:
            NotAuthenticated: the header is missing or its token unknown.
            NotAllowed: the token is none of `roles`.
        """
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        bearer = self.by_hash.get(hashlib.sha256(token.encode()).hexdigest()) or self._passed(token)
        if scheme.lower() != "bearer" or bearer is None:
            raise NotAuthenticated
        if roles and bearer.role not in roles:
            raise NotAllowed
        return bearer

    def pass_for(self, bearer: Bearer) -> str:
        """A token for another service, in the name of somebody who has signed in here; it holds for a minute."""
        said = _coded(json.dumps([*bearer.model_dump().values(), int(wall_seconds()) + _PASS_SECONDS]).encode())
        return f"{_PASS}.{said}.{self._signature(said)}"

    def _passed(self, token: str) -> Bearer | None:
        kind, _, rest = token.partition(".")
        said, _, signature = rest.partition(".")
        if kind != _PASS or not self.passes_key:
            return None
        if not hmac.compare_digest(signature.encode(), self._signature(said).encode()):
            return None
        *who, until = json.loads(urlsafe_b64decode(said))
        named = dict(zip(Bearer.model_fields, who, strict=True))
        return Bearer.model_validate(named) if wall_seconds() < until else None

    def _signature(self, said: str) -> str:
        return _coded(hmac.digest(self.passes_key, said.encode(), "sha256"))


def _coded(content: bytes) -> str:
    return urlsafe_b64encode(content).decode()
