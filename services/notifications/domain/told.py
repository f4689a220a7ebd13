"""Notifications' own facts read back: what was raised, taken and sent, as it was published.

Nothing is sent in a rebuild. A message counts as sent because the log says so; one that was dropped
when it came due, of which no fact tells, is judged again at that moment.
"""

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from services.notifications.domain.deliveries import instead
from services.notifications.domain.groups import TOGETHER
from services.notifications.domain.judgement import Content, Dropped, Later, judge, say
from services.notifications.domain.state import Alert, Delivery, DeliveryState, Patient
from shared.alerting import Roster, only
from shared.events.base import Fact, Moment, PatientFact
from shared.events.notifications import (
    AlertRaised,
    DeliveryFact,
    NotificationFailed,
    NotificationSent,
)
from shared.messaging.message import Decision, Handler

_WAITING = frozenset({DeliveryState.SCHEDULED, DeliveryState.DEFERRED})
_FINAL = {
    "failed": DeliveryState.FAILED,
    "unknown": DeliveryState.UNKNOWN,
    "expired": DeliveryState.EXPIRED,
    "bounced": DeliveryState.BOUNCED,
}


class TimePassed(PatientFact):
    """At the end of a rebuild: what has come due since the patient's last fact. It travels no topic."""

    NAME: ClassVar[str] = "time.passed"
    until: Moment

    @property
    def natural_key(self) -> str:
        return self.patient_id


def as_it_was(handler: Handler, patient: Patient, fact: Fact, now: datetime, told: Sequence[Fact]) -> Decision[Patient]:
    """Decide again, with what came due before, and for the owner of then: the roster may have changed."""
    patient = lapse(patient, now)
    raised = next((one for one in told if isinstance(one, AlertRaised)), None)
    if raised is None:
        return handler(patient, fact, now)
    roster = only(raised.owner) if raised.owner else Roster()
    then = patient._replace(desk=replace(patient.desk, roster=roster))
    decision = handler(then, fact, now)
    return Decision(decision.state._replace(desk=patient.desk), decision.facts)


def as_raised(before: Patient, decision: Decision[Patient], told: Sequence[Fact]) -> Patient:
    """Only the alerts that were raised, as they were; an alert that would be raised now is not, nor written about."""
    raised = {fact.alert_id: fact for fact in told if isinstance(fact, AlertRaised)}
    untold = decision.state.alerts.keys() - before.alerts.keys() - raised.keys()
    alerts = {name: alert for name, alert in decision.state.alerts.items() if name not in untold}
    alerts |= {name: _as_told(alerts[name], fact) for name, fact in raised.items() if name in alerts}
    deliveries = {
        name: delivery
        for name, delivery in decision.state.deliveries.items()
        if name in before.deliveries or not (untold and _about(delivery, untold))
    }
    return decision.state._replace(alerts=alerts, deliveries=deliveries)


def _about(delivery: Delivery, untold: Set[str]) -> bool:
    return delivery.subject_id in untold or delivery.topic == TOGETHER


def _as_told(alert: Alert, fact: AlertRaised) -> Alert:
    return alert._replace(kind=fact.kind, severity=fact.severity, title=fact.title, raised_at=fact.raised_at)


def sent(patient: Patient, fact: NotificationSent, now: datetime) -> Decision[Patient]:
    """The message went out, and told what it had to tell then."""
    patient = lapse(patient, fact.accepted_at, but=fact.delivery_id)
    return Decision(_settled(patient, fact, DeliveryState.ACCEPTED, "", fact.accepted_at))


def failed(patient: Patient, fact: NotificationFailed, now: datetime) -> Decision[Patient]:
    """The message did not go out, or nobody can know."""
    patient = lapse(patient, now, but=fact.delivery_id)
    patient = _settled(patient, fact, _FINAL[fact.state], fact.reason, now)
    delivery = patient.deliveries.get(fact.delivery_id)
    certain = delivery is not None and fact.state in {"failed", "bounced"}
    return Decision(instead(patient, delivery) if certain and delivery else patient)


def _settled(patient: Patient, fact: DeliveryFact, state: DeliveryState, reason: str, at: datetime) -> Patient:
    delivery = patient.deliveries.get(fact.delivery_id)
    if delivery is None:
        return patient
    delivery = _put_off(patient, delivery, at)
    content = say(patient, delivery._replace(state=DeliveryState.SCHEDULED, valid_until=None), at)
    told = content.told if isinstance(content, Content) and state is not DeliveryState.EXPIRED else ()
    return patient.with_deliveries(delivery._replace(state=state, reason=reason, told=told))


def passed(patient: Patient, fact: TimePassed, now: datetime) -> Decision[Patient]:
    """What has come due until now, and what no longer is so."""
    return Decision(lapse(patient, fact.until, including=True))


def lapse(patient: Patient, now: datetime, *, but: str = "", including: bool = False) -> Patient:
    """Drop what came due before `now` and was not so any more; what was so waits for the fact that it went."""
    due = [
        delivery
        for delivery in patient.deliveries.values()
        if delivery.state in _WAITING
        and (delivery.due_at < now or (including and delivery.due_at == now))
        and delivery.delivery_id != but
    ]
    for waiting in sorted(due, key=_line):
        delivery = _put_off(patient, waiting, now)
        verdict = judge(patient, delivery, delivery.due_at)
        if isinstance(verdict, Dropped):
            patient = patient.with_deliveries(delivery._replace(state=verdict.state, reason=verdict.reason))
        elif delivery is not waiting:
            patient = patient.with_deliveries(delivery)
    return patient


def _put_off(patient: Patient, delivery: Delivery, now: datetime) -> Delivery:
    """`delivery` as quiet hours and caps had put it off by `now`."""
    while delivery.state in _WAITING and delivery.due_at <= now:
        verdict = judge(patient, delivery, delivery.due_at)
        if not isinstance(verdict, Later):
            break
        channel = verdict.channel or delivery.channel
        delivery = delivery._replace(
            state=DeliveryState.DEFERRED, reason=verdict.reason, due_at=verdict.at, channel=channel
        )
    return delivery


def _line(delivery: Delivery) -> tuple[datetime, str]:
    return delivery.due_at, delivery.delivery_id
