"""Proof that an address is the patient's: a code or a link that only who reads what is sent there has."""

from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal

from services.notifications.domain.deliveries import to_patient
from services.notifications.domain.reach import LINK, VERIFY, is_verified, mark
from services.notifications.domain.state import MAYBE_TOLD, Delivery, Patient
from shared.events.base import Identifier, PatientFact
from shared.messaging.errors import Refused
from shared.messaging.message import Decision

CODE_VALID: Final = timedelta(minutes=30)
_DAY: Final = timedelta(days=1)
_A_DAY: Final = 5


class ProofWished(PatientFact):
    """Somebody asks for a code by text message, or for a new link by mail. It travels no topic."""

    NAME: ClassVar[str] = "proof.wished"
    request_id: Identifier
    topic: Literal["verify", "link"]

    @property
    def natural_key(self) -> str:
        return self.request_id


def send_proof(patient: Patient, fact: ProofWished, now: datetime) -> Decision[Patient]:
    """Send it at once, whatever the hour: somebody waits for it.

    Raises:
        Refused: five were sent within a day.
    """
    sent = [d for d in patient.deliveries.values() if d.topic == fact.topic]
    if sum(d.due_at > now - _DAY for d in sent) >= _A_DAY:
        raise Refused("enough of these were sent today", pointer="/topic", remedy="Try again tomorrow.")
    return Decision(patient.with_deliveries(_proof(patient, fact.topic, len(sent) + 1, now)))


def ask_for_proof(patient: Patient, now: datetime) -> Patient:
    """Where the clinic wants mail addresses proved, a new one gets a link first, once, and nothing else until then."""
    unproved = mark(patient, "email") if not is_verified(patient, "email") else ""
    if "email" not in patient.desk.messages.verified or not unproved:
        return patient
    known = {d.slot for d in patient.deliveries.values() if d.topic == LINK}
    if unproved in known:
        return patient
    return patient.with_deliveries(_proof(patient, LINK, 1, now, slot=unproved))


def _proof(patient: Patient, topic: str, number: int, now: datetime, slot: str = "") -> Delivery:
    channel = "sms" if topic == VERIFY else "email"
    valid_until = now + (CODE_VALID if topic == VERIFY else _DAY)
    return to_patient(patient, topic, channel, number, due_at=now, slot=slot, valid_until=valid_until, only=channel)


def codes_sent(patient: Patient, now: datetime) -> list[Delivery]:
    """The messages whose codes are still good."""
    return [
        d for d in patient.deliveries.values()
        if d.topic == VERIFY and d.state in MAYBE_TOLD and now < d.due_at + CODE_VALID
    ]  # fmt: skip
