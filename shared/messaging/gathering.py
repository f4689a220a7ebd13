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
_AT_ONCE, _WORTH_ANOTHER = 2, 200
"""Transactions at once; a further one begins when so many messages wait, since a small one costs as much as a large."""


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
        self._work: set[asyncio.Task[None]] = set()

    async def admit(self, messages: Sequence[Message]) -> list[Outcome]:
        """As `Door.admit`, perhaps in one transaction with others.

        Raises:
            Unavailable: nothing was applied because PostgreSQL can't be used now.
        """
        request = _Request(messages, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        if not self._work or (len(self._work) < _AT_ONCE and self._messages_waiting() >= _WORTH_ANOTHER):
            self._work.add(asyncio.create_task(self._run()))
        return await request.outcomes

    def _messages_waiting(self) -> int:
        return sum(len(request.messages) for request in self._waiting)

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._together(self._next())
        finally:
            # In one step with the last look: whoever comes next must find that nobody is at work any more.
            self._work.discard(_this_task())

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


def _this_task() -> "asyncio.Task[None]":
    task = asyncio.current_task()
    assert task is not None
    return task
