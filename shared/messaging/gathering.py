"""Requests that wait at the same time go through the door together: one commit answers them all."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from shared.messaging.door import Door
from shared.messaging.errors import Unavailable
from shared.messaging.message import Message, Outcome

_MOST = 500
"""Messages in one transaction."""


@dataclass(frozen=True, slots=True)
class _Request:
    messages: Sequence[Message]
    outcomes: asyncio.Future[list[Outcome]]

    @property
    def identities(self) -> set[tuple[str, str]]:
        return {(message.source, message.event_id) for message in self.messages}


class Gathering:
    """The door, for many callers at once. A lone caller waits for nobody."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._waiting: deque[_Request] = deque()
        self._work: asyncio.Task[None] | None = None

    async def admit(self, messages: Sequence[Message]) -> list[Outcome]:
        """As `Door.admit`, perhaps in one transaction with others.

        Raises:
            Unavailable: nothing was applied because PostgreSQL can't be used now.
        """
        request = _Request(messages, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._run())
        return await request.outcomes

    async def _run(self) -> None:
        while self._waiting:
            await self._together(self._next())

    def _next(self) -> list[_Request]:
        """As many as may go together: two with the same event don't, the second must hear what became of the first."""
        first = self._waiting.popleft()
        together, identities, size = [first], first.identities, len(first.messages)
        while self._waiting and size + len(self._waiting[0].messages) <= _MOST:
            if not identities.isdisjoint(self._waiting[0].identities):
                break
            request = self._waiting.popleft()
            together.append(request)
            identities |= request.identities
            size += len(request.messages)
        return together

    async def _together(self, requests: Sequence[_Request]) -> None:
        try:
            outcomes = iter(await self._door.admit([message for each in requests for message in each.messages]))
        except Exception as error:  # noqa: BLE001  # each caller gets it, or is tried alone
            if len(requests) > 1 and not isinstance(error, Unavailable):
                for request in requests:
                    await self._together([request])
                return
            for request in requests:
                if not request.outcomes.done():
                    request.outcomes.set_exception(error)
            return
        for request in requests:
            answer = [next(outcomes) for _ in request.messages]
            if not request.outcomes.done():
                request.outcomes.set_result(answer)
