"""The one door into a service: whatever comes in is sorted out, decided on and saved together.

Kafka batches, HTTP requests and due timers all enter here. One transaction holds the inbox
rows, the new states, the facts for the outbox and the applied offsets; the door commits it.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.clock import Clock
from shared.database import CONFLICT_STATES, sqlstate
from shared.events.base import Fact
from shared.flow import FLOW, INBOUND_TOPICS, STAFF_TOPIC
from shared.messaging import dead_letters, inbox, locks, outbox, parking
from shared.messaging.dead_letters import DeadLetter
from shared.messaging.errors import FlowDisagrees, Refused, Swapped
from shared.messaging.message import APPLIED, REPEAT, Handler, Message, Outcome, Position
from shared.messaging.relay import Relay
from shared.messaging.transactions import begin
from shared.telemetry import log

_CONFLICT_ATTEMPTS = 5

Incoming = Message | DeadLetter


class Store(Protocol):
    """How a service's states are found, loaded and saved; implemented by its `store.py`."""

    def key(self, fact: Fact) -> str:
        """Which state `fact` is decided on: the patient's, or for scheduling the clinic's."""
        ...

    async def load(self, tx: AsyncConnection, facts: Sequence[Fact]) -> Mapping[str, Any]:
        """The states that `facts` need, by key; a new one where there is none yet."""
        ...

    async def save(self, tx: AsyncConnection, changes: Sequence[tuple[Any, Any]]) -> None:
        """Write what differs between each state before and after."""
        ...


@dataclass(slots=True)
class Work:
    """A transaction in progress, and what will leave when it commits."""

    tx: AsyncConnection
    leaving: list[outbox.Outgoing] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Door:
    """Takes messages into one service."""

    service: str
    handlers: Mapping[type[Fact], Handler]
    store: Store
    engine: AsyncEngine
    clock: Clock
    relay: Relay

    async def admit(self, incoming: Sequence[Incoming]) -> list[Outcome]:
        """Apply `incoming` in order, all in one transaction; returns what became of each.

        Where the whole can't be applied, each is taken alone, so that one bad event holds up
        nobody else.

        Raises:
            Unavailable: nothing was applied because PostgreSQL can't be used now.
        """
        try:
            return await self._together(incoming)
        except Swapped:
            return await self.admit(incoming)
        except DBAPIError as error:
            if len(incoming) == 1:
                return [await self._after_failure(incoming[0], error)]
        return [await self._alone(item) for item in incoming]

    @asynccontextmanager
    async def work(self) -> AsyncGenerator[Work]:
        """A transaction for what is not a message (a sender's result); commits, then wakes the relay.

        Raises:
            Unavailable: PostgreSQL can't be used now.
        """
        async with begin(self.engine) as tx:
            work = Work(tx)
            yield work
            await outbox.append(tx, work.leaving)
        if work.leaving:
            self.relay.wake()

    def publish(self, work: Work, fact: Fact, cause: Message | None = None) -> None:
        """Let `fact` leave when `work` commits.

        Raises:
            FlowDisagrees: `shared/flow.py` does not list the fact among what this service publishes.
        """
        if type(fact) not in FLOW[self.service].publishes:
            raise FlowDisagrees(f"{self.service} may not publish {fact.NAME}: add it to shared/flow.py.")
        work.leaving.append(outbox.outgoing(fact, cause, self.service, self.clock.now()))

    def hand_in(self, work: Work, fact: Fact) -> None:
        """Let `fact` go to intake when `work` commits, as what a person asks for: intake checks and publishes it.

        Raises:
            FlowDisagrees: `shared/flow.py` does not list the fact among what this service hands in.
        """
        if type(fact) not in FLOW[self.service].hands_in:
            raise FlowDisagrees(f"{self.service} may not hand in {fact.NAME}: add it to shared/flow.py.")
        record = outbox.outgoing(fact, None, self.service, self.clock.now())
        work.leaving.append(replace(record, topic=STAFF_TOPIC))

    def own(self, fact: Fact) -> Message:
        """The message of a fact that begins here: by HTTP, by a timer or from a file.

        It is applied at once and published in the same transaction. A service that also consumes it
        takes it for a repeat when it comes back, and finds it in the log when it is rebuilt.
        """
        return Message(fact.event_id, f"/stride/{self.service}", fact, own=True)

    async def lock(self, tx: AsyncConnection, messages: Sequence[Message]) -> None:
        """One process at a time decides on a state."""
        await locks.lock(tx, self.service, {self.store.key(message.fact) for message in messages})

    async def apply(self, work: Work, message: Message) -> None:
        """Decide on one message and save, whatever the inbox says; for a replay, after `lock`.

        Raises:
            Refused: the message can't be applied; and whatever a faulty handler raises.
        """
        states = dict(await self.store.load(work.tx, [message.fact]))
        run = _Run(self, work, dict(states), set(), self.clock.now())
        run.apply(message)
        await self._save(work.tx, states, run.states)

    async def _save(self, tx: AsyncConnection, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        changes = [(state, after[key]) for key, state in before.items() if after[key] is not state]
        await self.store.save(tx, changes)

    async def _alone(self, item: Incoming) -> Outcome:
        try:
            return (await self._together([item]))[0]
        except DBAPIError as error:
            return await self._after_failure(item, error)

    async def _after_failure(self, item: Incoming, error: DBAPIError) -> Outcome:
        """Decide again on fresh state if someone else took what we wanted; else park the event."""
        for _ in range(_CONFLICT_ATTEMPTS):
            if not sqlstate(error).startswith(CONFLICT_STATES):
                break
            try:
                return (await self._together([item]))[0]
            except DBAPIError as again:
                error = again
        if isinstance(item, DeadLetter) or item.position is None:
            raise error
        log().error("parked", sqlstate=sqlstate(error), topic=item.position.topic, event_id=item.event_id)
        return await self.park_alone(item, f"database error {sqlstate(error)}")

    async def park_alone(self, message: Message, reason: str) -> Outcome:
        """Park one event that can't be saved, in a transaction of its own, under its key's lock."""
        async with self.work() as work:
            applied = await inbox.advance(work.tx, _positions([message]))
            if _before(message, applied) or not await inbox.remember(work.tx, [message]):
                return REPEAT
            await self.lock(work.tx, [message])
            await parking.park(work.tx, [(message, reason)])
            await parking.check_limit(work.tx)
        return Outcome("parked", reason)

    async def _together(self, incoming: Sequence[Incoming]) -> list[Outcome]:
        async with self.work() as work:
            # What was read before is passed over: a redelivery or a group reset applies nothing twice.
            applied = await inbox.advance(work.tx, _positions(incoming))
            waiting = [item for item in incoming if not _before(item, applied)]
            messages = [item for item in waiting if isinstance(item, Message)]
            fresh = await inbox.remember(work.tx, messages)
            outcomes = await self._decide(work, messages, fresh)
            for item in waiting:
                if isinstance(item, DeadLetter):
                    work.leaving.append(dead_letters.outgoing(item, self.service))
        return [outcomes.get(id(item), REPEAT) for item in incoming]

    async def _decide(self, work: Work, messages: Sequence[Message], fresh: set[inbox.Identity]) -> dict[int, Outcome]:
        todo = _first_of_each(messages, fresh)
        if not todo:
            return {}
        await self.lock(work.tx, todo)
        blocked = await parking.blocked_keys(work.tx, (m.key for m in todo if m.position))
        states = dict(await self.store.load(work.tx, [message.fact for message in todo]))
        run = _Run(self, work, dict(states), blocked, self.clock.now())
        outcomes = {id(message): run.take(message) for message in todo}
        await self._save(work.tx, states, run.states)
        if run.parked:
            await parking.park(work.tx, run.parked)
            await parking.check_limit(work.tx)
        await inbox.forget(work.tx, run.refused)
        return outcomes


@dataclass(slots=True)
class _Run:
    """Deciding on one batch, at one moment: states change from message to message, nothing is written yet."""

    door: Door
    work: Work
    states: dict[str, Any]
    blocked: set[str]
    now: datetime
    parked: list[tuple[Message, str]] = field(default_factory=list)
    refused: list[Message] = field(default_factory=list)

    def take(self, message: Message) -> Outcome:
        if message.position and message.key in self.blocked:
            return self._park(message, parking.BEHIND)
        try:
            self.apply(message)
        except Refused as refusal:
            return self._refuse(message, refusal)
        except FlowDisagrees:
            raise
        except Exception as error:
            if message.position is None:
                raise
            log().error("handler-failed", error_type=type(error).__name__, event_id=message.event_id)
            return self._park(message, f"{type(error).__name__} in the handler")
        return APPLIED

    def apply(self, message: Message) -> None:
        key = self.door.store.key(message.fact)
        handler = self.door.handlers.get(type(message.fact), parking.wait_for_update)
        decision = handler(self.states[key], message.fact, self.now)
        if message.own:
            self.door.publish(self.work, message.fact)
        for fact in decision.facts:
            self.door.publish(self.work, fact, message)
        self.states[key] = decision.state

    def _refuse(self, message: Message, refusal: Refused) -> Outcome:
        if message.position is None or message.record is None:
            self.refused.append(message)
            return Outcome("refused", refusal.reason, refusal.pointer, refusal.remedy)
        if message.position.topic in INBOUND_TOPICS:
            # The sender is outside: it must not hold up the patient's later events.
            letter = DeadLetter(message.record, "refused", refusal.reason)
            self.work.leaving.append(dead_letters.outgoing(letter, self.door.service))
            self.refused.append(message)
            return Outcome("refused", refusal.reason, refusal.pointer, refusal.remedy)
        return self._park(message, refusal.reason)

    def _park(self, message: Message, reason: str) -> Outcome:
        self.blocked.add(message.key)
        self.parked.append((message, reason))
        return Outcome("parked", reason)


def _positions(incoming: Sequence[Incoming]) -> list[Position]:
    return [item.position for item in incoming if item.position]


def _before(item: Incoming, applied: Mapping[tuple[str, int], int]) -> bool:
    position = item.position
    return position is not None and position.offset < applied.get((position.topic, position.partition), 0)


def _first_of_each(messages: Sequence[Message], fresh: set[inbox.Identity]) -> list[Message]:
    """The new messages, and of those that stand twice in the batch the first."""
    if len(fresh) == len(messages):
        return list(messages)
    firsts: dict[inbox.Identity, Message] = {}
    for message in messages:
        identity = (message.source, message.event_id)
        if identity in fresh:
            firsts.setdefault(identity, message)
    return list(firsts.values())
