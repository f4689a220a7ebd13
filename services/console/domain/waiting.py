"""What waits at the front desk, folded from facts: sessions without a time, who wants offers, offers, and answers.

Of each thing the newest fact holds, by what the facts themselves say: their order leaves no trace.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from shared.events.base import Fact
from shared.events.intake import PlanEnded
from shared.events.scheduling import (
    DeskActionAnswered,
    UnplacedSession,
    WaitlistAnswered,
    WaitlistChanged,
    WaitlistOffered,
    WorkQueueChanged,
)

F = TypeVar("F", bound=Fact)


class Waiting(NamedTuple):
    """The newest facts of one patient, by what they are about."""

    queues: Mapping[str, WorkQueueChanged]
    """By plan."""
    wishes: Mapping[str, WaitlistChanged]
    """By plan."""
    offers: Mapping[str, WaitlistOffered]
    """By offer."""
    answered: Mapping[str, WaitlistAnswered]
    """By offer."""
    told: Mapping[str, DeskActionAnswered]
    """What came of what was last asked, by what it was about: `about`."""


def waiting_of(facts: Iterable[Fact]) -> Waiting:
    """What the facts of one patient tell, whatever order they come in."""
    known = list(facts)
    return Waiting(
        queues=_newest(known, WorkQueueChanged, lambda fact: fact.plan_id, lambda fact: fact.revision),
        wishes=_newest(known, WaitlistChanged, lambda fact: fact.plan_id, wish_order),
        offers=_newest(known, WaitlistOffered, lambda fact: fact.offer_id, lambda fact: fact.offered_at),
        answered=_newest(known, WaitlistAnswered, lambda fact: fact.offer_id, lambda fact: fact.answered_at),
        told=_newest(known, DeskActionAnswered, about_of, lambda fact: (fact.answered_at, fact.request_id)),
    )


def wish_order(fact: WaitlistChanged) -> tuple[datetime, str]:
    """The last word counts, as scheduling has it."""
    return fact.recorded_at, fact.request_id


def about_of(fact: DeskActionAnswered) -> str:
    """What was asked for is about an offer, a session or a course's place on the waitlist."""
    if fact.offer_id:
        return fact.offer_id
    return about_session(fact.plan_id, fact.sequence) if fact.sequence else fact.plan_id


def about_session(plan_id: str, sequence: int) -> str:
    """The name of a session, for what is asked about it."""
    return f"{plan_id}/{sequence}"


def end_slot(clinic_id: str, patient_id: str, plan_id: str) -> str:
    """Where the console keeps the end of a course, once it has come."""
    epoch = datetime.fromisoformat("2000-01-01T00:00:00Z")
    end = PlanEnded(clinic_id=clinic_id, patient_id=patient_id, plan_id=plan_id, reason="completed", ended_at=epoch)
    return end.event_id


def soonest(sessions: Iterable[UnplacedSession]) -> datetime | None:
    """When the first of the sessions should be."""
    return min((each.earliest for each in sessions), default=None)


def _newest(facts: Iterable[Fact], kind: type[F], name: Callable[[F], str], order: Callable[[F], Any]) -> dict[str, F]:
    found: dict[str, F] = {}
    for fact in facts:
        if isinstance(fact, kind):
            known = found.get(name(fact))
            if known is None or order(fact) > order(known):
                found[name(fact)] = fact
    return found
