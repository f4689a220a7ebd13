"""Alerts as staff see them, folded from their facts: each part at its highest revision, in whatever order they come."""

from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from shared.events.base import Fact
from shared.events.notifications import (
    AlertAcknowledged,
    AlertAssigned,
    AlertEscalated,
    AlertRaised,
    AlertResolved,
    AlertSnoozed,
)

AlertState = Literal["open", "acknowledged", "snoozed", "resolved"]
STATES: Final[tuple[AlertState, ...]] = ("open", "acknowledged", "snoozed", "resolved")

AlertChange = AlertRaised | AlertAcknowledged | AlertAssigned | AlertEscalated | AlertSnoozed | AlertResolved
ALERT_FACTS: Final[tuple[type[Fact], ...]] = (
    AlertRaised,
    AlertAcknowledged,
    AlertAssigned,
    AlertEscalated,
    AlertSnoozed,
    AlertResolved,
)
CLINICAL: Final = frozenset(
    {
        "milestone",
        "milestone-retracted",
        "milestone-not-evaluable",
        "regression",
        "plateau",
        "adverse-event",
        "adjustment-proposed",
        "plan-review-due",
        "plan-withheld",
    }
)
"""Kinds that tell how somebody's treatment goes: for clinicians alone."""

_TAKEN_FIRST: Final = 2
"""The revision of an acknowledgement that older releases published without one."""


class Alert(NamedTuple):
    """One alert. Without `raised_at`, only what became of it is known so far."""

    alert_id: str
    kind: str = ""
    severity: str = ""
    title: str = ""
    plan_id: str | None = None
    raised_at: datetime | None = None
    revision: int = 0
    """The highest that is known: what somebody who acts on it has seen."""
    owner: str | None = None
    owner_revision: int = 0
    taken_by: str | None = None
    taken_at: datetime | None = None
    taken_revision: int = 0
    snoozed_until: datetime | None = None
    snoozed_revision: int = 0
    asked_again_revision: int = 0
    """When it last climbed: then it waits again, whoever had taken it or put it off."""
    resolved_by: str | None = None
    resolved_at: datetime | None = None
    resolution: str | None = None

    @property
    def state(self) -> AlertState:
        """How it stands."""
        if self.resolved_at is not None:
            return "resolved"
        if self.snoozed_revision > max(self.taken_revision, self.asked_again_revision):
            return "snoozed"
        return "acknowledged" if self.taken_revision > self.asked_again_revision else "open"


def follow(alert: Alert, fact: AlertChange) -> Alert:
    """The alert with what `fact` tells; older than what is known, it changes nothing."""
    revision = _revision(fact)
    alert = alert._replace(**_told(alert, fact, revision))
    return alert._replace(revision=max(alert.revision, revision))


def _told(alert: Alert, fact: AlertChange, revision: int) -> dict[str, Any]:
    told = _owned(alert, fact, revision)
    match fact:
        case AlertRaised():
            told |= {name: getattr(fact, name) for name in ("kind", "severity", "title", "plan_id", "raised_at")}
        case AlertEscalated():
            told["asked_again_revision"] = max(alert.asked_again_revision, revision)
        case AlertAcknowledged() if revision > alert.taken_revision:
            told |= {"taken_by": fact.acknowledged_by, "taken_at": fact.acknowledged_at, "taken_revision": revision}
        case AlertSnoozed() if revision > alert.snoozed_revision:
            told |= {"snoozed_until": fact.until, "snoozed_revision": revision}
        case AlertResolved():
            told |= {name: getattr(fact, name) for name in ("resolved_by", "resolved_at", "resolution")}
        case _:
            pass
    return told


def _owned(alert: Alert, fact: AlertChange, revision: int) -> dict[str, Any]:
    if not isinstance(fact, AlertRaised | AlertAssigned | AlertEscalated) or revision <= alert.owner_revision:
        return {}
    return {"owner": fact.owner, "owner_revision": revision}


def _revision(fact: AlertChange) -> int:
    if isinstance(fact, AlertRaised):
        return 1
    return fact.revision or _TAKEN_FIRST
