"""What the sender commits: that messages go out now, and how they went. Many at once, one transaction."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.notifications.sender.pace import Pace
from services.notifications.store import subscriptions
from services.notifications.store.ledger import Handing, Ledger, Result
from shared.messaging.door import Door
from shared.messaging.errors import Unavailable
from shared.telemetry import log

_RETRY_SECONDS: Final = 0.2


class Answer(StrEnum):
    """Whether a message may go out."""

    GO = "go"
    CHANGED = "changed"
    """It is no longer ours, or something about it has changed."""
    HELD_UP = "held-up"
    """Its provider's limit is reached."""


@dataclass(frozen=True, slots=True)
class _Question:
    """A courier waits to hand over a message, until that is committed."""

    handing: Handing
    answer: asyncio.Future[Answer]

    @property
    def delivery_id(self) -> str:
        return self.handing.claim.delivery.delivery_id


class Writer:
    """Writes to the ledger for couriers that work side by side."""

    def __init__(self, door: Door, ledger: Ledger, pace: Pace) -> None:
        self._door, self._ledger, self._pace = door, ledger, pace
        self._queue: asyncio.Queue[_Question | Result | None] = asyncio.Queue()
        self._gone = False
        self.held: set[str] = set()
        """Deliveries that this process is at work on."""

    async def may_go(self, handing: Handing) -> Answer:
        """Whether the message still may go out; if so, that it does is committed.

        Raises:
            Unavailable: PostgreSQL can't be used now; the message must not go out.
        """
        if self._gone:
            raise Unavailable("the writer is gone")
        question = _Question(handing, asyncio.get_running_loop().create_future())
        self._queue.put_nowait(question)
        return await question.answer

    def note(self, result: Result) -> None:
        """Have `result` written down."""
        self._queue.put_nowait(result)

    def finish(self) -> None:
        """End when all that was noted is written."""
        self._queue.put_nowait(None)

    async def run(self) -> None:
        """Write until `finish`. Results are kept until PostgreSQL has them."""
        try:
            ended = False
            while not ended:
                waiting = [await self._queue.get(), *self._more()]
                ended = None in waiting
                await self._write(
                    [item for item in waiting if isinstance(item, _Question)],
                    [item for item in waiting if isinstance(item, Result)],
                )
        finally:
            self._gone = True
            self._refuse([item for item in self._more() if isinstance(item, _Question)])

    def _more(self) -> list[_Question | Result | None]:
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]

    async def _write(self, questions: Sequence[_Question], results: Sequence[Result]) -> None:
        try:
            await self._commit(questions, results)
        except Unavailable as error:
            log().warning("sender-waits", reason=str(error))
            self._refuse(questions)
            for result in results:
                self._queue.put_nowait(result)
            await asyncio.sleep(_RETRY_SECONDS)
        except BaseException:
            self._refuse(questions)
            raise

    async def _commit(self, questions: Sequence[_Question], results: Sequence[Result]) -> None:
        now = self._door.clock.now()
        async with self._door.work() as work:
            for fact in await self._ledger.settle(work.tx, results, now):
                self._door.publish(work, fact)
            for claim in (result.claim for result in results if result.reason == "gone"):
                await subscriptions.disable(work.tx, claim.delivery.recipient_id, "410", now)
            handings = [question.handing for question in questions]
            go, held_up = await self._ledger.hand_over(work.tx, handings, self._pace.fresh_seconds)
        for question in questions:
            if not question.answer.done():
                waits = Answer.HELD_UP if question.delivery_id in held_up else Answer.CHANGED
                question.answer.set_result(Answer.GO if question.delivery_id in go else waits)
        if results:
            self.held -= {result.claim.delivery.delivery_id for result in results}
            # What stood behind these in their lines may go now.
            self._ledger.store.due.set()

    def _refuse(self, questions: Sequence[_Question]) -> None:
        for question in questions:
            if not question.answer.done():
                question.answer.set_exception(Unavailable("not committed"))
