"""The sender: claims what is due, looks again, hands it over, writes down how it went.

A claim is committed before the call and its result after it. Where a result is lost with its
process, the claim's lease runs out and the message counts as perhaps sent: an inbox that can be
asked decides; without one a patient's message becomes `unknown` and is never sent again, and one
to staff is sent again.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.notifications.domain.state import DeliveryState
from services.notifications.gateways import (
    Inbox,
    InboxUnreachable,
    Mail,
    MailDeferred,
    MailRejected,
    MailUncertain,
    MailUnreachable,
)
from services.notifications.letters import Letter, Letters, message_id
from services.notifications.store.ledger import Claim, Ledger, Result
from shared.clinics import Clinic
from shared.clock import wall_seconds
from shared.messaging.door import Door
from shared.messaging.errors import Unavailable
from shared.telemetry import log

_BACKOFF: Final = (30, 120, 600, 1800, 3600)
"""Seconds of the clinic's clock until a message that the server put off is tried again."""
_MOST_DEFERRALS: Final = 12
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_EAGER_ROUNDS, _EAGER_SECONDS = 10, 0.05
_FINISH_SECONDS = 8


@dataclass(frozen=True, slots=True)
class Pace:
    """How the sender goes about it. Seconds are wall time."""

    lease_seconds: float = 15.0
    poll_seconds: float = 1.0
    in_flight: int = 10

    @property
    def fresh_seconds(self) -> float:
        """How old a claim may be when its message is handed over."""
        return self.lease_seconds / 4


class Sender:
    """Sends what is due, several messages at a time, each patient's one after the other."""

    def __init__(
        self, door: Door, ledger: Ledger, clinics: Mapping[str, Clinic], letters: Letters, mail: Mail,
        inbox: Inbox | None, pace: Pace,
    ) -> None:  # fmt: skip
        self._door, self._ledger, self._clinics, self._letters = door, ledger, clinics, letters
        self._mail, self._inbox, self._pace = mail, inbox, pace
        self._in_flight: set[asyncio.Task[None]] = set()
        self._results: asyncio.Queue[Result | None] = asyncio.Queue()
        self._due = ledger.store.due
        self._eager = 0
        self._pause = 0.0
        self._next_take_over = 0.0

    async def run(self) -> None:
        """Send until cancelled; then what is on its way is finished and written down."""
        writing = asyncio.create_task(self._write_results())
        try:
            while not writing.done():
                await self._round()
        finally:
            if self._in_flight:
                await asyncio.wait(self._in_flight, timeout=_FINISH_SECONDS)
            self._results.put_nowait(None)
            await asyncio.wait([writing], timeout=_FINISH_SECONDS)
            writing.cancel()
        await writing

    async def _round(self) -> None:
        try:
            claims = await self._claim()
            await self._take_over()
        except Unavailable as error:
            log().warning("sender-waits", reason=str(error))
            await asyncio.sleep(_FIRST_PAUSE)
            return
        for claim in claims:
            self._start(self._send(claim))
        await self._wait(found=bool(claims))

    async def _claim(self) -> list[Claim]:
        """As many as can go at once: what is claimed but not sent yet would be in doubt after a crash."""
        limit = 1 if self._pause else self._pace.in_flight - len(self._in_flight)
        async with self._door.work() as work:
            claims, facts = await self._ledger.claim(work.tx, self._door.clock.now(), limit)
            for fact in facts:
                self._door.publish(work, fact)
        return claims

    async def _take_over(self) -> None:
        if wall_seconds() < self._next_take_over:
            return
        self._next_take_over = wall_seconds() + self._pace.lease_seconds / 5
        async with self._door.work() as work:
            abandoned = await self._ledger.take_over(work.tx, self._pace.lease_seconds)
        for claim in abandoned:
            self._start(self._resolve(claim))

    def _start(self, sending: Coroutine[None, None, Result | None]) -> None:
        async def noted() -> None:
            result = await sending
            if result is not None:
                self._results.put_nowait(result)

        task = asyncio.create_task(noted())
        self._in_flight.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log().error("send-broke-off", error_type=type(error).__name__)

    async def _wait(self, *, found: bool) -> None:
        if self._pause:
            await asyncio.sleep(self._pause)
        if len(self._in_flight) > self._pace.in_flight // 2:
            await asyncio.wait(self._in_flight, return_when=asyncio.FIRST_COMPLETED)
        elif not found:
            await self._until_due()

    async def _until_due(self) -> None:
        """Until something may be due. The hint comes before its commit, so look a few times after it."""
        timeout = _EAGER_SECONDS if self._eager else self._pace.poll_seconds
        self._eager = max(0, self._eager - 1)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._due.wait(), timeout)
            self._due.clear()
            self._eager = _EAGER_ROUNDS

    async def _send(self, claim: Claim) -> Result | None:
        """Try one message; nothing where nobody can know what became of it: the lease decides."""
        letter = self._compose(claim)
        if isinstance(letter, Result):
            return letter
        try:
            if not await self._still_so(claim):
                return Result(claim, DeliveryState.SCHEDULED, "changed")
            await self._mail.send(letter.message, letter.sender, letter.recipient)
        except (MailUnreachable, Unavailable) as error:
            self._pause = min(max(self._pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
            log().warning("mail-waits", reason=str(error), delivery_id=claim.delivery.delivery_id)
            return Result(claim, DeliveryState.SCHEDULED, "unreachable")
        except MailDeferred as error:
            return self._deferred(claim, error)
        except MailRejected as error:
            return Result(claim, DeliveryState.FAILED, str(error))
        except MailUncertain as error:
            log().warning("mail-uncertain", reason=str(error), delivery_id=claim.delivery.delivery_id)
            return None
        self._pause = 0.0
        return Result(claim, DeliveryState.ACCEPTED, accepted_at=self._door.clock.now())

    def _compose(self, claim: Claim) -> Letter | Result:
        clinic = self._clinics.get(claim.clinic_id)
        if clinic is None:
            return Result(claim, DeliveryState.FAILED, "unknown-clinic")
        try:
            return self._letters.compose(clinic, claim, self._door.clock.now())
        except Exception as error:  # noqa: BLE001  # one message that can't be composed holds up no other
            log().error("not-composed", error_type=type(error).__name__, delivery_id=claim.delivery.delivery_id)
            return Result(claim, DeliveryState.FAILED, "not-composed")

    async def _still_so(self, claim: Claim) -> bool:
        async with self._door.work() as work:
            return await self._ledger.still_so(work.tx, claim, self._pace.fresh_seconds)

    def _deferred(self, claim: Claim, error: MailDeferred) -> Result:
        if claim.deferrals >= _MOST_DEFERRALS:
            return Result(claim, DeliveryState.FAILED, str(error))
        wait = timedelta(seconds=_BACKOFF[min(claim.deferrals, len(_BACKOFF) - 1)])
        return Result(claim, DeliveryState.SCHEDULED, str(error), due_at=self._door.clock.now() + wait)

    async def _resolve(self, claim: Claim) -> Result | None:
        """What becomes of a message that was perhaps sent."""
        clinic = self._clinics.get(claim.clinic_id)
        if clinic is None or self._inbox is None:
            if claim.delivery.recipient == "staff":
                return Result(claim, DeliveryState.SCHEDULED, "perhaps-sent")
            return Result(claim, DeliveryState.UNKNOWN, "no-answer")
        try:
            arrived = await self._inbox.has(message_id(clinic, claim.delivery))
        except InboxUnreachable as error:
            log().warning("inbox-unreachable", reason=str(error), delivery_id=claim.delivery.delivery_id)
            return None
        if arrived:
            return Result(claim, DeliveryState.ACCEPTED, "found-in-inbox", accepted_at=self._door.clock.now())
        return Result(claim, DeliveryState.SCHEDULED, "not-in-inbox")

    async def _write_results(self) -> None:
        """Commit results together, as many as there are, until told to end."""
        while (first := await self._results.get()) is not None:
            results = [first]
            while not self._results.empty() and (more := self._results.get_nowait()):
                results.append(more)
            await self._write(results)

    async def _write(self, results: list[Result]) -> None:
        while True:
            try:
                async with self._door.work() as work:
                    for fact in await self._ledger.settle(work.tx, results):
                        self._door.publish(work, fact)
            except Unavailable as error:
                log().warning("sender-waits", reason=str(error))
                await asyncio.sleep(_FIRST_PAUSE)
            else:
                self._due.set()
                return
