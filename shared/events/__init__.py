"""Every fact that travels between services, declared once and versioned.

`EVENTS` finds a fact's class by its CloudEvents type; `shared/flow.py` says who publishes
and who consumes it.
"""

from shared.events import calendars, console, intake, notifications, operations, progress, scheduling
from shared.events.base import Fact

_OWNERS = (calendars, intake, scheduling, progress, notifications, console, operations)


def _declared() -> dict[str, type[Fact]]:
    facts = (
        value
        for owner in _OWNERS
        for value in vars(owner).values()
        if isinstance(value, type) and issubclass(value, Fact) and "NAME" in vars(value)
    )
    return {fact.wire_type(): fact for fact in facts}


EVENTS: dict[str, type[Fact]] = _declared()
"""CloudEvents type to fact class, for instance `clinic.plan.created.v1` to `PlanCreated`."""
