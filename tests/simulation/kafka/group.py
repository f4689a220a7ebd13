"""The broker's side of a consumer group, as the classic protocol has it: join, sync, heartbeat, commit."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiokafka import TopicPartition
from aiokafka.errors import IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError

from tests.simulation.loop import Process, VirtualLoop


@dataclass(eq=False, slots=True)
class Member:
    """One consumer as the broker knows it."""

    name: str
    topics: Sequence[str]
    session_seconds: float
    rebalance_seconds: float
    last_seen: float
    joining: "asyncio.Future[int] | None" = None
    assigned: set[TopicPartition] = field(default_factory=set)


class Group:
    """Who is in, which generation it is, who has which partitions, and what was committed."""

    def __init__(self, loop: VirtualLoop, server: Process, partitions: int) -> None:
        self._loop = loop
        self._server = server
        self._partitions = partitions
        self._numbers = 0
        self._rebalancing = False
        self.members: dict[str, Member] = {}
        self.generation = 0
        self.committed: dict[TopicPartition, int] = {}

    async def join(
        self, name: str, topics: Sequence[str], session: float, rebalance: float
    ) -> tuple[str, int, set[TopicPartition]]:
        """Enter (with an empty name) or come back, and wait until all members have; returns what one gets."""
        member = self.members.get(name)
        if member is None:
            self._numbers += 1
            member = Member(f"{self._numbers:04d}", topics, session, rebalance, self._loop.time())
            self.members[member.name] = member
            self._watch(member)
        self._loop.note(f"member {member.name} joins")
        joined: asyncio.Future[int] = self._loop.create_future()
        member.joining = joined
        self._rebalance()
        generation = await joined
        return member.name, generation, set(member.assigned)

    def heartbeat(self, name: str, generation: int) -> None:
        """A sign of life.

        Raises:
            UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError: join again.
        """
        self._known(name, generation).last_seen = self._loop.time()
        if self._rebalancing:
            raise RebalanceInProgressError

    def commit(self, name: str, generation: int, offsets: dict[TopicPartition, int]) -> None:
        """Note how far the group has read; allowed while a rebalance is being prepared.

        Raises:
            UnknownMemberIdError, IllegalGenerationError: the group went on without this member.
        """
        self._known(name, generation)
        self.committed.update(offsets)

    def leave(self, name: str) -> None:
        """Go without waiting for the session to run out."""
        self._remove(name)

    def wipe(self) -> None:
        """As if the group had been deleted: no offsets, and nobody is a member any more."""
        self.committed.clear()
        for member in list(self.members.values()):
            if member.joining is None:
                self._remove(member.name)

    def _known(self, name: str, generation: int) -> Member:
        if name not in self.members:
            raise UnknownMemberIdError
        if generation != self.generation:
            raise IllegalGenerationError
        return self.members[name]

    def _watch(self, member: Member) -> None:
        if self.members.get(member.name) is not member:
            return
        if member.joining is None and self._loop.time() - member.last_seen >= member.session_seconds:
            self._remove(member.name)
            return
        self._loop.call_later(member.session_seconds / 4, self._watch, member, context=self._server.context)

    def _remove(self, name: str) -> None:
        if self.members.pop(name, None) is not None:
            self._loop.note(f"member {name} is out")
            self._rebalance()

    def _rebalance(self) -> None:
        """Everybody has to come back; who is late is out."""
        if not self._rebalancing and self.members:
            self._rebalancing = True
            longest = max(member.rebalance_seconds for member in self.members.values())
            self._loop.call_later(longest, self._without_the_late, self.generation, context=self._server.context)
        self._maybe_complete()

    def _without_the_late(self, generation: int) -> None:
        if self._rebalancing and generation == self.generation:
            for member in [m for m in self.members.values() if m.joining is None]:
                del self.members[member.name]
            self._maybe_complete()

    def _maybe_complete(self) -> None:
        members = [self.members[name] for name in sorted(self.members)]
        if not members or any(member.joining is None for member in members):
            return
        self._rebalancing = False
        self.generation += 1
        self._assign(members)
        self._loop.note(f"generation {self.generation}: members {[member.name for member in members]}")
        for member in members:
            joining, member.joining, member.last_seen = member.joining, None, self._loop.time()
            if joining and not joining.done():
                joining.set_result(self.generation)

    def _assign(self, members: Sequence[Member]) -> None:
        """As the range assignor: neighbouring partitions, the same of every topic."""
        share, more = divmod(self._partitions, len(members))
        first = 0
        for index, member in enumerate(members):
            last = first + share + (index < more)
            member.assigned = {TopicPartition(t, p) for t in member.topics for p in range(first, last)}
            first = last
