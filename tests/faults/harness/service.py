"""The ledger service: it writes down every `Sent` once, in order per key, and publishes one `Kept` for each.

Everything but the rules is the real runtime. Each fault has a service of its own name, so its own
topics, schema and consumer group: nothing that one fault leaves behind can reach another.
"""

import os
import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Literal, NamedTuple

from shared import flow
from shared.events import EVENTS
from shared.events.base import PatientFact
from shared.messaging.errors import Refused
from shared.messaging.message import Decision

Behaviour = Literal["", "fail", "refuse", "dawdle", "block"]


class Sent(PatientFact):
    """What the writer intends: the `number`-th effect on a key, counted from 0.

    `do` tells the handler to misbehave: raise, refuse, take `seconds` while the event loop goes on
    (dawdle) or stands still (block). Processes with LEDGER_MENDED set do as if it were not there.
    """

    NAME: ClassVar[str] = "sent"

    number: int
    do: Behaviour = ""
    seconds: float = 0.0

    @property
    def natural_key(self) -> str:
        """Its key and number."""
        return f"{self.patient_id}/{self.number}"


class Kept(PatientFact):
    """What the service publishes: `number` was written down as the `nth` effect of its key, from 1."""

    NAME: ClassVar[str] = "kept"

    number: int
    nth: int

    @property
    def natural_key(self) -> str:
        """With `nth`: an event that was applied twice is published under two ids."""
        return f"{self.patient_id}/{self.number}/{self.nth}"


@dataclass(frozen=True)
class Account:
    """How many effects a key has, and which were added since it was loaded."""

    key: str
    effects: int = 0
    added: tuple[Sent, ...] = ()


class Facts(NamedTuple):
    """The facts of one ledger service. `sent_2` is version 2 of `sent`, which release 2 alone can read."""

    sent: type[Sent]
    kept: type[Kept]
    sent_2: type[Sent]


def declare(name: str, *, release: int) -> Facts:
    """Make `release` (1 or 2) of the service `name` known to this process: its facts and its line in the flow.

    Release 2 adds an optional field to both facts, as a compatible change does, and reads version
    2 of `sent` too.
    """

    class SentHere(Sent):
        NAME = f"{name}.sent"

    class SentWithNote(Sent):
        NAME = f"{name}.sent"
        note: str | None = "new"

    class SentHere2(SentWithNote):
        VERSION = 2

    class KeptHere(Kept):
        NAME = f"{name}.kept"

    class KeptWithNote(Kept):
        NAME = f"{name}.kept"
        note: str | None = "new"

    old, new = Facts(SentHere, KeptHere, SentHere2), Facts(SentWithNote, KeptWithNote, SentHere2)
    facts = old if release == 1 else new
    consumes = (facts.sent,) if release == 1 else (facts.sent, facts.sent_2)
    EVENTS.update({fact.wire_type(): fact for fact in (*consumes, facts.kept)})
    flow.FLOW[name] = flow.Service(owns="a ledger", consumes=consumes, publishes=(facts.kept,))
    return facts


def keeper(kept: type[Kept]) -> "Keep":
    """The handler that writes down and publishes `kept`."""
    return Keep(kept, mended=bool(os.environ.get("LEDGER_MENDED")))


@dataclass(frozen=True)
class Keep:
    """Pure but for what it is told to do wrong."""

    kept: type[Kept]
    mended: bool

    def __call__(self, account: Account, fact: Sent, now: datetime) -> Decision[Account]:
        deciding()
        if not self.mended:
            misbehave(fact)
        nth = account.effects + 1
        after = replace(account, effects=nth, added=(*account.added, fact))
        kept = self.kept(clinic_id=fact.clinic_id, patient_id=fact.patient_id, number=fact.number, nth=nth)
        return Decision(after, (kept,))


def deciding() -> None:
    """A crash point; crash.py hangs on it."""


def misbehave(fact: Sent) -> None:
    """Do what the writer asked for, as a faulty handler would."""
    if fact.do == "fail":
        raise ZeroDivisionError
    if fact.do == "refuse":
        raise Refused("told to")
    if fact.do == "block":
        time.sleep(fact.seconds)
