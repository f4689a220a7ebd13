"""The other services as people need them: asked over HTTP, in the name of whoever has signed in.

The console reads no other service's tables. What waits there, each service tells, and what is to be taken up again
it takes up itself (`shared/messaging/operations.py`).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from shared.tokens import Bearer, Tokens

_SECONDS: Final = 3.0
_REPLAY_SECONDS: Final = 120.0
_NOT_FOUND, _REFUSED = 404, 400


class Away(Exception):
    """A service does not answer, or does not know what to say; `service` says which."""

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self.service = service


class Nothing(Exception):
    """The service has nothing of that id."""


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(trust_env=False, timeout=_SECONDS, limits=httpx.Limits(max_keepalive_connections=0))


@dataclass(frozen=True, slots=True)
class Services:
    """Every service that has an address, by name."""

    addresses: Mapping[str, str]
    tokens: Tokens
    client: httpx.AsyncClient = field(default_factory=_client)
    """Keeps no connection open: questions are few, and then there is nothing to close."""

    async def figures(self, bearer: Bearer) -> dict[str, dict[str, Any] | None]:
        """How each is and what waits in it; None for one that does not answer."""
        return await self._of_all(bearer, "/operations/figures", {})

    async def stranded(self, bearer: Bearer, filters: Mapping[str, str]) -> dict[str, dict[str, Any] | None]:
        """What waits for a person in each."""
        return await self._of_all(bearer, "/operations/stranded", filters)

    async def one(self, bearer: Bearer, service: str, word: str) -> dict[str, Any]:
        """One that is stranded, with its records, masked.

        Raises:
            Away, Nothing
        """
        return await self.ask(bearer, service, f"/operations/stranded/{word}")

    async def replay(self, bearer: Bearer, service: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What became of each that was to be taken up again.

        Raises:
            Away: it may have been taken up in part; asking again takes up nothing twice.
        """
        return (await self._post(bearer, service, "/operations/replay", asked))["fates"]

    async def mend(self, bearer: Bearer, service: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What became of a letter that was to be put back with changes.

        Raises:
            Away
        """
        return (await self._post(bearer, service, "/operations/mend", asked))["fates"]

    async def ask(
        self, bearer: Bearer, service: str, path: str, query: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What `service` answers.

        Raises:
            Away, Nothing
        """
        return await self._call(bearer, service, "GET", path, params=dict(query or {}))

    async def _post(self, bearer: Bearer, service: str, path: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        return await self._call(bearer, service, "POST", path, json=dict(asked), timeout=_REPLAY_SECONDS)

    async def _of_all(self, bearer: Bearer, path: str, query: Mapping[str, str]) -> dict[str, dict[str, Any] | None]:
        async def asked(service: str) -> dict[str, Any] | None:
            try:
                return await self.ask(bearer, service, path, query)
            except (Away, Nothing):
                return None

        answers = await asyncio.gather(*(asked(service) for service in self.addresses))
        return dict(zip(self.addresses, answers, strict=True))

    async def _call(self, bearer: Bearer, service: str, method: str, path: str, **request: Any) -> dict[str, Any]:
        url = self.addresses.get(service)
        if url is None:
            raise Nothing
        headers = {"Authorization": f"Bearer {self.tokens.pass_for(bearer)}"}
        try:
            answer = await self.client.request(method, f"{url}{path}", headers=headers, **request)
        except httpx.HTTPError as error:
            raise Away(service) from error
        if answer.status_code == _NOT_FOUND:
            raise Nothing
        if answer.status_code >= _REFUSED:
            raise Away(service)
        return answer.json()
