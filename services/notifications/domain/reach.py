"""Which way a message may reach a patient: opt-out and consent, an address, its proof, then what is preferred.

Mail is allowed until the patient says no: the clinic treats them, and its own system has given the address. A text
message needs consent, and a number that was proved: by a code that was sent to it, by an answer from it, or by the
clinic's word.
"""

from hashlib import sha256
from typing import Final, Literal, NamedTuple

from services.notifications.domain.state import DeliveryState, Patient, wish

Channel = Literal["email", "sms"]
CHANNELS: Final[tuple[Channel, Channel]] = ("email", "sms")
VERIFY: Final = "verify"
"""The topic of the message that carries a code."""
LINK: Final = "link"
"""The topic of the mail that carries a link to the page of choices, and nothing else."""
TO_ANYBODY: Final = frozenset({VERIFY, LINK})
"""These may go to an address that is not proved yet, and hold no more than what proves it."""
NO_ADDRESS = "no-address"
DECEASED = "deceased"
OPTED_OUT = "opted-out"
NO_CONSENT = "no-consent"
UNVERIFIED = "unverified"
NOT_WISHED = "not-wished"
ONLY_TO_CALL = "only-to-call"
NOT_ADDRESSABLE: Final = frozenset({NO_ADDRESS, DECEASED, OPTED_OUT, NO_CONSENT, UNVERIFIED, NOT_WISHED, ONLY_TO_CALL})
_POINTLESS: Final = frozenset({"reminder", "milestone"})
"""Nobody needs a request to call before each appointment."""
_MARK_DIGITS: Final = 4


class Reach(NamedTuple):
    """The channel, and the state and its reason, of a message that has nothing else against it."""

    channel: str
    state: DeliveryState
    reason: str = ""


def reach(patient: Patient, topic: str, only: str = "") -> Reach:
    """How a message of `topic` goes: by the preferred channel, else by the other one; by `only` alone if given."""
    if any(plan.end_reason == DECEASED for plan in patient.plans.values()):
        return Reach(only or "email", DeliveryState.SUPPRESSED, DECEASED)
    if patient.contact is None:
        return Reach(only or "email", DeliveryState.PLANNED)
    first, *others = (only,) if only else preferred(patient)
    channel, reason = first, objection(patient, first, topic)
    if reason and (other := next((way for way in others if not objection(patient, way, topic)), "")):
        channel, reason = other, ""
    reason = reason or _unwanted(patient, topic)
    return Reach(channel, DeliveryState.SUPPRESSED if reason else DeliveryState.SCHEDULED, reason)


def _unwanted(patient: Patient, topic: str) -> str:
    if wish(patient, f"topic.{topic}", "on") == "off":
        return NOT_WISHED
    return ONLY_TO_CALL if topic in _POINTLESS and only_to_call(patient) else ""


def only_to_call(patient: Patient) -> bool:
    """Whether messages may say no more than that the patient should call."""
    in_confidence = patient.contact is not None and patient.contact.confidential
    return wish(patient, "content", "call" if in_confidence else "full") == "call"


def preferred(patient: Patient) -> tuple[str, ...]:
    """The channels, the preferred one first."""
    return CHANNELS[::-1] if wish(patient, "channel", "email") == "sms" else CHANNELS


def objection(patient: Patient, channel: str, topic: str = "") -> str:
    """Why the patient may not be reached by `channel`; "" where they may."""
    allowed = wish(patient, channel, "" if channel == "sms" else "on")
    if allowed != "on" and topic not in TO_ANYBODY:
        return OPTED_OUT if allowed else NO_CONSENT
    if address(patient, channel) is None:
        return NO_ADDRESS
    needed = topic not in TO_ANYBODY and channel in patient.desk.messages.verified
    return UNVERIFIED if needed and not is_verified(patient, channel) else ""


def address(patient: Patient, channel: str) -> str | None:
    """Where `channel` reaches the patient."""
    if patient.contact is None:
        return None
    return patient.contact.phone if channel == "sms" else patient.contact.email


def is_verified(patient: Patient, channel: str) -> bool:
    """Whether it was proved that the address, as it is now, is the patient's."""
    proved = wish(patient, f"verified.{channel}", "")
    return bool(proved) and proved == mark(patient, channel)


def mark(patient: Patient, channel: str) -> str:
    """Tells a changed address from an unchanged one; "" without an address.

    It stands in a fact, so it is short on purpose: each of 65,536 marks fits thousands of numbers and names none,
    and a changed address goes unnoticed once in as many.
    """
    return mark_of(patient.key, address(patient, channel))


def mark_of(key: str, found: str | None) -> str:
    """The mark of one address of the patient of this key."""
    return sha256(f"{key}/{found}".encode()).hexdigest()[:_MARK_DIGITS] if found else ""
