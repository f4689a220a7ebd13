"""What a service says about being rebuilt: how its own published facts are read back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.events.base import Fact
from shared.messaging.door import Store
from shared.messaging.message import Decision, Handler
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Compared:
    """How a table is compared; by its primary key and all columns where nothing else is said."""

    key: tuple[str, ...] = ()
    """Columns, where the primary key is a number that only a sequence gave."""
    left_out: frozenset[str] = frozenset()
    """Columns of the machine's time, or of how often something was tried."""
    where: str = "true"
    """SQL: which rows `t` count, by `{now}` where that matters; the others may be there or not."""
    instead: Mapping[str, str] = field(default_factory=dict[str, str])
    """SQL in place of a column; `{schema}` is the schema that the row `t` is in."""


def as_now(handler: Handler, state: Any, fact: Fact, now: datetime, _: Sequence[Fact]) -> Decision[Any]:
    """Decide as the running service would."""
    return handler(state, fact, now)


def as_decided(_before: Any, decision: Decision[Any], _told: Sequence[Fact]) -> Any:
    """Let stand what was decided anew, whatever was published."""
    return decision.state


@dataclass(frozen=True, slots=True)
class ReadBack:
    """How a service is rebuilt. Without anything said, its handlers decide again and that holds."""

    handlers: Mapping[type[Fact], Handler] = field(default_factory=dict[type[Fact], Handler])
    """Own facts that nothing in the log led to, and facts that mean something else in a rebuild."""
    decide: Callable[[Handler, Any, Fact, datetime, Sequence[Fact]], Decision[Any]] = as_now
    """`(handler, state, fact, now, told)`: decide again, knowing what was published for this fact."""
    settle: Callable[[Any, Decision[Any], Sequence[Fact]], Any] = as_decided
    """`(state before, decision, told)`: the state as it follows from what was published, where that is
    not what was decided anew. `told` has the published facts, and where `takes_new` the new ones."""
    looked_up: tuple[type[Fact], ...] = ()
    """Of the `handlers`' own facts, those that SQL needs to find in the table `told_fact` as well."""
    takes_new: bool = False
    """Whether a fact that is decided now and never was before holds, and may be published."""
    store: Callable[[Settings], Store] | None = None
    """In place of the service's own."""
    begin: Sequence[str] = ()
    """SQL on the empty tables. In all SQL here `{running}` and `{rebuilt}` are the schemas."""
    built: Sequence[str] = ()
    """SQL once most of the log is applied, while the service runs on."""
    finish: Sequence[str] = ()
    """SQL at the end, while the running tables stand still: brings over what the log does not have."""
    last: Callable[[datetime], tuple[str, dict[str, Any], Callable[[Any], Fact]]] | None = None
    """`(now)`: a query, its parameters, and how each of its rows becomes one more thing to decide on at the end."""
    tables: Mapping[str, Compared] = field(default_factory=dict[str, Compared])
    not_in_log: Sequence[str] = ()
    """In words, what a rebuild takes over from the running tables because no fact tells of it."""


RUNTIME_TABLES = frozenset({"inbox", "applied_offset", "outbox", "stranding", "alembic_version", "told_fact"})
"""Not compared: they say how far a service is, and what it has seen, not what it knows."""

PARKED = Compared(key=("topic", "partition", "record_offset"), left_out=frozenset({"position", "parked_at"}))
