"""The state that is decided on: one patient with contact, plans, appointments, deliveries, alerts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from shared.alerting import AlertPolicy, Roster, Severity, StaffRole
from shared.ids import patient_key
from shared.messages import MessagePolicy

K = TypeVar("K")
V = TypeVar("V")

Role = StaffRole
Resolution = Literal["done", "not-needed", "duplicate"]
Recipient = Literal["patient", "staff", "system"]
"""`system`: a clinic system that subscribed to webhooks."""
Misfire = Literal["send_now", "skip", "collapse"]
"""What becomes of a timer that was missed: sent late, dropped, or left to a later one of its kind."""


_NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})


class DeliveryState(StrEnum):
    """How far a delivery has come; `transitions.py` says what may follow on what."""

    PLANNED = "planned"
    """Waits for the patient's contact."""
    SCHEDULED = "scheduled"
    """A timer: waits for its time."""
    DEFERRED = "deferred"
    """A timer that was due and was put off: quiet hours, a cap, or a provider that did not take it then."""
    READY = "ready"
    """Due, and waits for somebody to send it."""
    CLAIMED = "claimed"
    """Somebody is about to send it; nothing has left yet."""
    SENDING = "sending"
    """It may have left: committed before the call, settled after it."""
    ACCEPTED = "accepted"
    """The provider has taken it."""
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    BOUNCED = "bounced"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Handed over without an answer: perhaps sent, so never sent again; a receipt may tell later."""
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    GROUPED = "grouped"
    """Told by another message together with others."""
    SUPPRESSED = "suppressed"
    """Not to be sent as things stand; a new contact may change that."""


TIMERS = frozenset({DeliveryState.SCHEDULED, DeliveryState.DEFERRED})
LIVE = TIMERS | {DeliveryState.PLANNED, DeliveryState.READY}
OPEN = LIVE | {DeliveryState.SUPPRESSED}
"""Not in the sender's hands: a decision may change or take back these."""
IN_HAND = frozenset({DeliveryState.CLAIMED, DeliveryState.SENDING})
NOT_ARRIVED = frozenset({DeliveryState.FAILED, DeliveryState.UNDELIVERED, DeliveryState.BOUNCED})
MAYBE_TOLD = frozenset({DeliveryState.SENDING, DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class ClinicDesk:
    """What the rules need to know of a clinic: its zone, who is there for alerts, how alerts climb."""

    zone: str = "UTC"
    roster: Roster = field(default_factory=Roster)
    policy: AlertPolicy = field(default_factory=AlertPolicy)
    messages: MessagePolicy = field(default_factory=MessagePolicy)
    chats: frozenset[str] = frozenset()
    """Staff who also hear of alerts in a chat; `*` stands for everybody."""
    subscribers: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NOTHING)
    """Per fact name, the webhook subscriptions that want it."""

    def who(self, role: Role, at: datetime, place: int = 1) -> str | None:
        """Whoever has that place in the role's line at `at`."""
        return self.roster.who(role, at, ZoneInfo(self.zone), place)


_NO_DESK: Final = ClinicDesk()


class Contact(NamedTuple):
    """How to reach the patient. `revision` 0 is the registration."""

    revision: int
    name: str
    email: str | None
    language: str
    zone: str | None
    phone: str | None = None
    """E.164, for SMS."""
    confidential: bool = False
    """Whether the patient asked to be reached in confidence: at these addresses alone, with no more than a request
    to call."""


class Plan(NamedTuple):
    """A course; once ended, nothing of it after `ended_at` takes place."""

    plan_id: str
    version: int = 0
    ended_at: datetime | None = None
    end_reason: str | None = None


class Appointment(NamedTuple):
    """An appointment at the highest version known.

    Without a `booking_id` its booking has not arrived yet: a later fact overtook it.
    """

    appointment_id: str
    plan_id: str
    sequence: int
    version: int
    status: Literal["booked", "cancelled", "missed", "proposed"]
    """`proposed`: a time that is offered; `replaces` is the appointment that would move there."""
    start: datetime
    end: datetime
    practitioner_id: str | None = None
    booking_id: str | None = None
    booking_size: int | None = None
    replaces: str | None = None


class Told(NamedTuple):
    """What a message said about an appointment: its version, its start, and whether it takes place."""

    appointment_id: str
    version: int
    start: datetime
    on: bool = True


class Delivery(NamedTuple):
    """One message to one recipient. No address and no text: both are looked up when it is sent."""

    delivery_id: str
    recipient: Recipient
    recipient_id: str
    topic: str
    subject_id: str
    subject_version: int
    due_at: datetime
    state: DeliveryState = DeliveryState.SCHEDULED
    reason: str = ""
    slot: str = ""
    channel: str = "email"
    plan_id: str | None = None
    valid_until: datetime | None = None
    """Not sent from this moment on."""
    urgent: bool = False
    """Goes before all that is not, and over capacity that is kept for it."""
    misfire: Misfire = "send_now"
    local_time: datetime | None = None
    """The wall time (naive) in `tzid` that `due_at` stands for; of a webhook, when the fact was."""
    tzid: str | None = None
    instead_of: str | None = None
    """The delivery of another channel that certainly did not arrive, which this one stands in for."""
    told: tuple[Told, ...] = ()


class Alert(NamedTuple):
    """Something that staff should look at."""

    alert_id: str
    kind: str
    severity: Severity
    title: str
    raised_at: datetime
    evidence: Mapping[str, Any]
    owner: str | None = None
    plan_id: str | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    role: Role = "clinician"
    """Whose line it climbs."""
    step: int = 0
    """How many steps it has climbed."""
    wake_at: datetime | None = None
    """When it is looked at again: the next step, the end of a snooze, a question about what became of it."""
    snoozed_until: datetime | None = None
    resolved_by: str | None = None
    resolved_at: datetime | None = None
    resolution: Resolution | None = None
    revision: int = 1
    """Counts its changes."""

    @property
    def waits(self) -> bool:
        """Whether it still waits for somebody: not taken, not put off, not resolved."""
        return self.acknowledged_at is None and self.snoozed_until is None and self.resolved_at is None


class Consent(NamedTuple):
    """One entry of the ledger of a patient's choices: what, which way it was given, by which words."""

    consent_id: str
    what: str
    value: str
    way: str
    wording: str
    recorded_by: str
    recorded_at: datetime


class Patient(NamedTuple):
    """All that notifications knows of one patient. `revision` counts the changes saved."""

    clinic_id: str
    patient_id: str
    desk: ClinicDesk = _NO_DESK
    revision: int = 0
    contact: Contact | None = None
    plans: Mapping[str, Plan] = _NOTHING
    appointments: Mapping[str, Appointment] = _NOTHING
    deliveries: Mapping[str, Delivery] = _NOTHING
    alerts: Mapping[str, Alert] = _NOTHING
    consents: Mapping[str, Consent] = _NOTHING

    @property
    def key(self) -> str:
        """`<clinic_id>/<patient_id>`."""
        return patient_key(self.clinic_id, self.patient_id)

    def with_plan(self, plan: Plan) -> "Patient":
        """The same patient with `plan` as given."""
        return self._replace(plans=_put(self.plans, plan.plan_id, plan))

    def with_appointment(self, appointment: Appointment) -> "Patient":
        """The same patient with `appointment` as given."""
        return self._replace(appointments=_put(self.appointments, appointment.appointment_id, appointment))

    def with_deliveries(self, *deliveries: Delivery) -> "Patient":
        """The same patient with `deliveries` as given."""
        changed = {delivery.delivery_id: delivery for delivery in deliveries}
        return self._replace(deliveries={**self.deliveries, **changed}) if changed else self

    def with_alert(self, alert: Alert) -> "Patient":
        """The same patient with `alert` as given."""
        return self._replace(alerts=_put(self.alerts, alert.alert_id, alert))


def wish(patient: Patient, what: str, otherwise: str) -> str:
    """The patient's latest choice of `what`, whatever order the choices came in."""
    if not patient.consents:
        return otherwise
    chosen = [consent for consent in patient.consents.values() if consent.what == what]
    return max(chosen, key=lambda one: (one.recorded_at, one.consent_id)).value if chosen else otherwise


def _put(known: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    return {**known, key: value}
