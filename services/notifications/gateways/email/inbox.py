"""Asking a mail inbox whether a message arrived (the embedded one; none in a clinic's production)."""

import httpx

from services.notifications.gateways.outcomes import Unreachable


class Inbox:
    """An inbox that answers `GET /api/messages?message_id=<id>` with `{"messages": [...]}`."""

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=5, trust_env=False)

    async def has(self, message_id: str) -> bool:
        """Whether a message with this Message-ID (angle brackets included) arrived.

        Raises:
            Unreachable: no answer, or none that can be read; ask again later.
        """
        try:
            answer = await self._client.get("/api/messages", params={"message_id": message_id, "limit": 1})
            answer.raise_for_status()
            return bool(answer.json()["messages"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise Unreachable(type(error).__name__) from error

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()
