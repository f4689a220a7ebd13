"""OpenID Connect: another provider vouches for people (authorization code flow with PKCE, RFC 7636)."""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast
from urllib.parse import urlencode

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import TypeAdapter, ValidationError

from services.console.domain.people import STAFF, Person
from shared.clock import wall_seconds
from shared.events.base import Identifier
from shared.settings import Settings
from shared.tokens import Role

_ALGORITHMS: Final = ["RS256", "PS256", "ES256", "RS384", "ES384", "EdDSA"]
"""Signatures by a key pair alone: never `none`, and no secret that we share with the provider."""
_KNOWN_SECONDS: Final = 3600.0
_LEEWAY_SECONDS: Final = 60
_IDENTIFIER: Final = TypeAdapter[str](Identifier)


class NotVouchedFor(Exception):
    """The provider does not say who it is, or not in a way that can be relied on."""


class Errand(NamedTuple):
    """What a browser keeps while it is at the provider: without it, what comes back is somebody else's."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Errand":
        """Unguessable."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))


class Provider:
    """The provider that settings name."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: tuple[float, dict[str, Any], KeySet] | None = None

    @property
    def name(self) -> str:
        """As people call it; nothing where there is no provider."""
        return self._settings.stride_oidc_name if self._settings.stride_oidc_issuer else ""

    async def address(self, errand: Errand) -> str:
        """Where to send the browser.

        Raises:
            NotVouchedFor: the provider does not answer as one.
        """
        about, _ = await self._about()
        challenge = urlsafe_b64encode(hashlib.sha256(errand.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._settings.stride_oidc_client,
            "redirect_uri": self._back,
            "scope": "openid profile",
            "state": errand.state,
            "nonce": errand.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{about['authorization_endpoint']}?{urlencode(asked)}"

    async def person(self, code: str, errand: Errand) -> Person:
        """Who has come back with `code`.

        Raises:
            NotVouchedFor: the provider takes the code for nobody, or its token is not right in every respect.
        """
        token = await self._token(code, errand)
        for renew in (False, True):
            about, keys = await self._about(renew=renew)
            try:
                claims = jwt.decode(token, keys, algorithms=_ALGORITHMS).claims
                break
            except (JoseError, ValueError) as error:
                # The provider may have changed its keys since they were read.
                if renew:
                    raise NotVouchedFor from error
        else:
            raise NotVouchedFor
        self._check(claims, str(about["issuer"]), errand)
        return self._person(claims)

    @property
    def _back(self) -> str:
        return f"{self._settings.stride_console_url.rstrip('/')}/sign-in/provider/back"

    async def _token(self, code: str, errand: Errand) -> str:
        about, _ = await self._about()
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "client_id": self._settings.stride_oidc_client,
            "code_verifier": errand.verifier,
        }
        if self._settings.stride_oidc_secret:
            given["client_secret"] = self._settings.stride_oidc_secret
        return str((await _json("POST", str(about["token_endpoint"]), given)).get("id_token", ""))

    async def _about(self, *, renew: bool = False) -> tuple[dict[str, Any], KeySet]:
        """What the provider says of itself, and its keys."""
        if self._known is None or renew or wall_seconds() - self._known[0] > _KNOWN_SECONDS:
            issuer = self._settings.stride_oidc_issuer.rstrip("/")
            about = await _json("GET", f"{issuer}/.well-known/openid-configuration")
            if str(about.get("issuer", "")).rstrip("/") != issuer:
                raise NotVouchedFor
            try:
                keys = KeySet.import_key_set(cast("Any", await _json("GET", str(about["jwks_uri"]))))
            except (JoseError, KeyError, ValueError) as error:
                raise NotVouchedFor from error
            self._known = (wall_seconds(), about, keys)
        return self._known[1], self._known[2]

    def _check(self, claims: Mapping[str, Any], issuer: str, errand: Errand) -> None:
        audience = claims.get("aud")
        audiences: list[str] = audience if isinstance(audience, list) else [str(audience)]
        client = self._settings.stride_oidc_client
        ours = client in audiences and claims.get("azp", client if len(audiences) == 1 else "") == client
        expires = claims.get("exp")
        fresh = isinstance(expires, int | float) and expires > wall_seconds() - _LEEWAY_SECONDS
        nonce = secrets.compare_digest(str(claims.get("nonce", "")), errand.nonce)
        if not (ours and fresh and nonce and claims.get("iss") == issuer):
            raise NotVouchedFor

    def _person(self, claims: Mapping[str, Any]) -> Person:
        given = claims.get(self._settings.stride_oidc_roles_claim, [])
        named: list[Any] = given if isinstance(given, list) else [given]
        roles: frozenset[Role] = frozenset(role for role in STAFF if role in named)
        who = claims.get("stride_person") or claims.get("preferred_username") or claims.get("sub")
        try:
            clinic_id = _IDENTIFIER.validate_python(claims.get(self._settings.stride_oidc_clinic_claim))
            person_id = _IDENTIFIER.validate_python(who)
        except ValidationError:
            raise NotVouchedFor from None
        if not roles:
            raise NotVouchedFor
        return Person(clinic_id, person_id, str(claims.get("name") or person_id)[:200], roles)


async def _json(method: str, url: str, form: Mapping[str, str] | None = None) -> dict[str, Any]:
    try:
        async with httpx.AsyncClient(timeout=10, follow_redirects=False) as client:
            answer = await client.request(method, url, data=dict(form) if form else None)
            answer.raise_for_status()
            content = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise NotVouchedFor from error
    if not isinstance(content, dict):
        raise NotVouchedFor
    return cast("dict[str, Any]", content)
