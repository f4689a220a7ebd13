"""The look at a delivery right before it goes: is it still so, and what is there to say?

Deciding on a fact may plan too much; nothing leaves without passing here, on the state of the
moment. So a message never tells of what is no longer so, whatever order the facts came in.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from services.notifications.domain.deliveries import OTHER_WAY, addressed
from services.notifications.domain.groups import AT_ONCE, DIGEST, TOGETHER, course_of, grouped, interrupts
from services.notifications.domain.permission import not_before
from services.notifications.domain.reach import LINK, TO_ANYBODY, VERIFY, only_to_call
from services.notifications.domain.standing import takes_place, told_of
from services.notifications.domain.state import Alert, Appointment, Delivery, DeliveryState, Patient, Told
from services.notifications.domain.timers import collapsed, lapsed


@dataclass(frozen=True, slots=True)
class Content:
    """What a message has to say now. `told` is what it will have told of appointments."""

    appointments: tuple[Appointment, ...] = ()
    previous: Mapping[str, datetime] = field(default_factory=dict)
    """Per appointment that moved or that another one replaces, the start as the patient knows it."""
    milestone: Alert | None = None
    alerts: tuple[Alert, ...] = ()
    told: tuple[Told, ...] = ()
    call_only: bool = False
    """Whether the message may say no more than that the patient should call."""
    overview: bool = False
    """Whether this is the first that the patient hears of a course: it is shown as a whole."""
    answer_by: datetime | None = None
    """Of an offer: until when the time is kept."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """Not to be sent: where the delivery goes instead, and why."""

    state: DeliveryState
    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """Not to be sent now: when to look again, and why."""

    at: datetime
    reason: str
    channel: str | None = None
    """The channel that it goes by then, where that is another one."""


Judgement = Content | Dropped | Later
_COURSE: Final = 3
"""So many appointments are shown as a course; fewer need no overview."""


def judge(patient: Patient, delivery: Delivery, now: datetime) -> Judgement:
    """What `delivery` says at `now`, or what becomes of it instead; not within quiet hours, nor too often."""
    verdict = say(patient, delivery, now)
    if delivery.recipient != "patient" or not isinstance(verdict, Content):
        return verdict
    channel = addressed(patient, delivery).channel
    if channel != delivery.channel:
        return Later(now, OTHER_WAY, channel)
    verdict = (
        replace(verdict, call_only=True) if only_to_call(patient) and delivery.topic not in TO_ANYBODY else verdict
    )
    return _when_it_may_go(patient, delivery, verdict, now)


def say(patient: Patient, delivery: Delivery, now: datetime) -> Content | Dropped:
    """What there is to say at `now`, whatever the hour."""
    if reason := lapsed(delivery.valid_until, delivery.misfire, delivery.due_at, now):
        return Dropped(DeliveryState.EXPIRED, reason)
    if delivery.recipient == "system":
        return Content()
    standing = addressed(patient, delivery)
    if standing.state is not DeliveryState.SCHEDULED and delivery.recipient == "patient":
        return Dropped(standing.state, standing.reason)
    if collapsed(patient, delivery, now):
        return _superseded("collapsed")
    if _arrived_after_all(patient, delivery):
        return _superseded("arrived")
    return _BY_TOPIC[delivery.topic](patient, delivery, now)


def _arrived_after_all(patient: Patient, delivery: Delivery) -> bool:
    """Whether the message that this one is sent instead of was reported as delivered meanwhile."""
    first = patient.deliveries.get(delivery.instead_of or "")
    return first is not None and first.state is DeliveryState.DELIVERED


def _when_it_may_go(patient: Patient, delivery: Delivery, content: Content, now: datetime) -> Judgement:
    held = not_before(patient, delivery, now)
    if held is None:
        return content
    until, reason = held
    if delivery.valid_until is not None and until >= delivery.valid_until:
        return Dropped(DeliveryState.EXPIRED, reason)
    return Later(until, reason)


def _superseded(reason: str) -> Dropped:
    return Dropped(DeliveryState.SUPERSEDED, reason)


def _booked(patient: Patient, delivery: Delivery, now: datetime) -> Content | Dropped:
    """All appointments of the booking that still take place and that the patient was not told of."""
    told = told_of(patient)
    news = [
        appointment
        for appointment in patient.appointments.values()
        if appointment.booking_id == delivery.subject_id
        and takes_place(patient, appointment)
        and appointment.start > now
        and appointment.appointment_id not in told
    ]
    if not news:
        return _superseded("nothing-left")
    content = _telling(news, {new.appointment_id: old for new in news if (old := _replaced(patient, new))})
    plans = {patient.appointments[name].plan_id for name in told if name in patient.appointments}
    return replace(content, overview=len(news) >= _COURSE and news[0].plan_id not in plans)


def _replaced(patient: Patient, appointment: Appointment) -> datetime | None:
    old = patient.appointments.get(appointment.replaces or "")
    return old.start if old else None


def _moved(patient: Patient, delivery: Delivery, now: datetime) -> Content | Dropped:
    """All appointments that the patient knows at an older version: one message tells of them together."""
    told = told_of(patient)
    leader = patient.appointments.get(delivery.subject_id)
    if leader is None or leader.version != delivery.subject_version or not takes_place(patient, leader):
        return _superseded("newer-version")

    def news(appointment: Appointment) -> bool:
        known = told.get(appointment.appointment_id)
        return known is not None and known.on and known.version < appointment.version

    if not news(leader):
        # Not told at all: the message of the booking shows the new time.
        return _superseded("already-told" if leader.appointment_id in told else "not-told")
    changed = [a for a in patient.appointments.values() if takes_place(patient, a) and a.start > now and news(a)]
    return _telling(changed, {a.appointment_id: told[a.appointment_id].start for a in changed})


def _cancelled(patient: Patient, delivery: Delivery, now: datetime) -> Content | Dropped:
    """All cancelled appointments that the patient still reckons with."""
    told = told_of(patient)
    leader = patient.appointments.get(delivery.subject_id)
    if leader is None or leader.version != delivery.subject_version:
        return _superseded("newer-version")
    expected = _expected(patient, told, now)
    off = [a for a in expected if a.status == "cancelled"]
    if leader not in off:
        return _superseded("already-told" if leader.appointment_id in told else "not-told")
    return _telling(off, {a.appointment_id: told[a.appointment_id].start for a in off}, on=False)


def _ended(patient: Patient, delivery: Delivery, now: datetime) -> Content | Dropped:
    """The end of the course, with those of its appointments that the patient still reckons with."""
    expected = _expected(patient, told_of(patient), now)
    off = [a for a in expected if a.plan_id == delivery.subject_id and not takes_place(patient, a)]
    return _telling(off, {}, on=False)


def _expected(patient: Patient, told: Mapping[str, Told], now: datetime) -> list[Appointment]:
    """Future appointments that the patient was last told to come to."""
    known = (patient.appointments.get(last.appointment_id) for last in told.values() if last.on)
    return [appointment for appointment in known if appointment is not None and appointment.start > now]


def _missed(patient: Patient, delivery: Delivery, _now: datetime) -> Content | Dropped:
    appointment = patient.appointments.get(delivery.subject_id)
    if appointment is None or appointment.version != delivery.subject_version:
        return _superseded("newer-version")
    last = told_of(patient).get(appointment.appointment_id)
    if last is None or not last.on:
        return _superseded("not-told")
    return _telling([appointment], {}, on=False)


def _reminder(patient: Patient, delivery: Delivery, _now: datetime) -> Content | Dropped:
    appointment = patient.appointments.get(delivery.subject_id)
    if appointment is None or appointment.version != delivery.subject_version:
        return _superseded("newer-version")
    if not takes_place(patient, appointment):
        return _superseded("plan-ended")
    content = _telling([appointment], {})
    last = told_of(patient).get(appointment.appointment_id)
    known = last is not None and last.version >= appointment.version
    return replace(content, told=()) if known else content


def _offer(patient: Patient, delivery: Delivery, _now: datetime) -> Content | Dropped:
    """The time that is kept for the patient; of no use once the appointment that would move is elsewhere."""
    proposed = patient.appointments[delivery.subject_id]
    plan, current = patient.plans.get(proposed.plan_id), patient.appointments.get(proposed.replaces or "")
    if plan is not None and plan.ended_at is not None:
        return _superseded("plan-ended")
    if current is not None and (current.status != "booked" or current.start <= proposed.start):
        return _superseded("newer-version")
    previous = {proposed.appointment_id: current.start} if current else {}
    return replace(_telling([proposed], previous), told=(), answer_by=delivery.valid_until)


def _milestone(patient: Patient, delivery: Delivery, _now: datetime) -> Content | Dropped:
    alert = patient.alerts[delivery.subject_id]
    retracted = any(a.kind == "milestone-retracted" and _same(a, alert) for a in patient.alerts.values())
    return _superseded("retracted") if retracted else Content(milestone=alert)


def _same(one: Alert, other: Alert) -> bool:
    """Whether both are about one occurrence of one milestone."""
    names = ("plan_id", "milestone", "rule_version", "occurrence")
    return all(one.evidence[name] == other.evidence[name] for name in names)


def _alert(patient: Patient, delivery: Delivery, _now: datetime) -> Content | Dropped:
    alert = patient.alerts[delivery.subject_id]
    if not alert.waits or delivery.recipient_id not in {alert.owner, alert.role}:
        return _superseded("acknowledged")
    return Content(alerts=(alert,))


def _alerts(patient: Patient, delivery: Delivery, _now: datetime) -> Content | Dropped:
    """All alerts of the course that still wait for this owner: one message tells of them together."""
    waiting = [
        alert
        for alert in patient.alerts.values()
        if alert.waits
        and grouped(patient, alert)
        and interrupts(patient, alert)
        and course_of(patient, alert) == delivery.subject_id
        and delivery.recipient_id in {alert.owner, alert.role}
    ]
    if not waiting:
        return _superseded("acknowledged")
    return Content(alerts=tuple(sorted(waiting, key=lambda alert: (alert.raised_at, alert.alert_id))))


def _telling(appointments: Iterable[Appointment], previous: Mapping[str, datetime], *, on: bool = True) -> Content:
    ordered = tuple(sorted(appointments, key=lambda appointment: (appointment.start, appointment.appointment_id)))
    told = tuple(Told(a.appointment_id, a.version, a.start, on) for a in ordered)
    return Content(ordered, previous, told=told)


def _looked_up(_patient: Patient, _delivery: Delivery, _now: datetime) -> Content:
    """A code, a link or a list of alerts, which whoever writes the message makes or looks up."""
    return Content()


_BY_TOPIC: Final[dict[str, Callable[[Patient, Delivery, datetime], Content | Dropped]]] = {
    VERIFY: _looked_up,
    LINK: _looked_up,
    DIGEST: _looked_up,
    "booked": _booked,
    "moved": _moved,
    "cancelled": _cancelled,
    "missed": _missed,
    "reminder": _reminder,
    "ended": _ended,
    "offer": _offer,
    "milestone": _milestone,
    AT_ONCE: _alert,
    TOGETHER: _alerts,
}
