"""The ledger's own rules: what a delivery is keyed by, and whether it can go to anybody."""

from collections.abc import Callable
from datetime import UTC, datetime

from services.notifications.domain.reach import CHANNELS, NOT_ADDRESSABLE, TO_ANYBODY, objection, reach
from services.notifications.domain.state import LIVE, OPEN, Delivery, DeliveryState, Misfire, Patient, Role
from shared.events.base import Fact
from shared.ids import derived_id

NO_OWNER = "no-owner"
OTHER_WAY = "other-channel"


def to_patient(
    patient: Patient,
    topic: str,
    subject_id: str,
    subject_version: int,
    *,
    due_at: datetime,
    slot: str = "",
    plan_id: str | None = None,
    valid_until: datetime | None = None,
    misfire: Misfire = "send_now",
    only: str = "",
) -> Delivery:
    """A message to the patient, in the state that the contact allows; by the channel `only`, where it is given."""
    channel, state, reason = reach(patient, topic, only)
    return Delivery(
        delivery_id=_delivery_id(patient, "patient", patient.patient_id, topic, subject_id, subject_version, slot),
        recipient="patient",
        recipient_id=patient.patient_id,
        topic=topic,
        subject_id=subject_id,
        subject_version=subject_version,
        due_at=due_at,
        state=state,
        reason=reason,
        slot=slot,
        channel=channel,
        plan_id=plan_id,
        valid_until=valid_until,
        misfire=misfire,
    )


def to_staff(
    patient: Patient,
    owner: str | None,
    role: Role,
    topic: str,
    subject_id: str,
    *,
    due_at: datetime,
    plan_id: str | None,
    slot: str = "",
    subject_version: int = 1,
    urgent: bool = False,
) -> tuple[Delivery, ...]:
    """The messages to `owner`, who is there for `role`: mail, and chat where there is one.

    Suppressed where nobody is there.
    """
    channels = ("email", "chat") if owner and patient.desk.chats & {owner, "*"} else ("email",)
    identity = ("staff", owner or role, topic, subject_id, subject_version, slot)
    return tuple(
        Delivery(
            delivery_id=_delivery_id(patient, *identity, channel=channel),
            recipient="staff",
            recipient_id=owner or role,
            topic=topic,
            subject_id=subject_id,
            subject_version=subject_version,
            due_at=due_at,
            slot=slot,
            channel=channel,
            plan_id=plan_id,
            state=DeliveryState.SCHEDULED if owner else DeliveryState.SUPPRESSED,
            reason="" if owner else NO_OWNER,
            urgent=urgent,
        )
        for channel in channels
    )


def to_systems(patient: Patient, fact: Fact, now: datetime) -> tuple[Delivery, ...]:
    """Webhook calls to the clinic systems that want `fact`; told once, however often it is decided on."""
    name = fact.NAME
    return tuple(
        Delivery(
            delivery_id=_delivery_id(patient, "system", system, name, fact.event_id, 1, "", channel="webhook"),
            recipient="system",
            recipient_id=system,
            topic=name,
            subject_id=fact.event_id,
            subject_version=1,
            due_at=now,
            channel="webhook",
            plan_id=getattr(fact, "plan_id", None),
            local_time=now.astimezone(UTC).replace(tzinfo=None),
            tzid="UTC",
        )
        for system in patient.desk.subscribers.get(name, ())
    )


def _delivery_id(patient: Patient, *identity: str | int, channel: str = "email") -> str:
    """Derived from what the ledger is unique on, so that deciding again finds the same row."""
    return derived_id("delivery", patient.clinic_id, channel, *identity)


def addressed(patient: Patient, delivery: Delivery) -> Delivery:
    """`delivery` by the channel and in the state that the patient's contact and choices allow now."""
    if delivery.recipient != "patient":
        return delivery
    fixed = delivery.instead_of is not None or delivery.topic in TO_ANYBODY
    channel, state, reason = reach(patient, delivery.topic, only=delivery.channel if fixed else "")
    return delivery._replace(channel=channel, state=state, reason=reason)


def instead(patient: Patient, failed: Delivery) -> Patient:
    """The same message by the other channel, once, where that may be used: `failed` certainly did not arrive."""
    if failed.recipient != "patient" or failed.instead_of is not None or failed.topic in TO_ANYBODY:
        return patient
    channel = next(one for one in CHANNELS if one != failed.channel)
    if objection(patient, channel):
        return patient
    again = failed._replace(
        delivery_id=_delivery_id(patient, "instead", failed.delivery_id, channel=channel),
        channel=channel,
        instead_of=failed.delivery_id,
        told=(),
    )
    return patient.with_deliveries(addressed(patient, again))


def readdress(patient: Patient) -> Patient:
    """Put all that is not sent yet into the state that the contact allows now."""
    waiting = (
        delivery
        for delivery in patient.deliveries.values()
        if delivery.state in LIVE or (delivery.state in OPEN and delivery.reason in NOT_ADDRESSABLE)
    )
    pairs = [(delivery, addressed(patient, delivery)) for delivery in waiting]
    return patient.with_deliveries(*(after for before, after in pairs if after != before))


def supersede(patient: Patient, reason: str, which: Callable[[Delivery], bool]) -> Patient:
    """Take back the deliveries that `which` picks, as far as they are not sent yet."""
    return patient.with_deliveries(
        *(
            delivery._replace(state=DeliveryState.SUPERSEDED, reason=reason)
            for delivery in patient.deliveries.values()
            if delivery.state in OPEN and which(delivery)
        )
    )
