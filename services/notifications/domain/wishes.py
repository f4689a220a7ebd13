"""What a patient wants and allows: an append-only ledger of choices, of which the latest holds (`choices.py`)."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final, Literal

from services.notifications.domain.choices import admissible
from services.notifications.domain.deliveries import readdress
from services.notifications.domain.reach import mark
from services.notifications.domain.reminders import retime
from services.notifications.domain.state import Consent, Patient, wish
from shared.events.base import Code, Identifier, PatientFact
from shared.events.notifications import ConsentRecorded
from shared.ids import derived_id
from shared.messaging.errors import Refused
from shared.messaging.message import Decision

WORDING: Final = "choices-2"
"""The version of the page's words that a choice was made by; raise it with them."""
Way = Literal["page", "one-click", "sms-keyword", "staff", "clinic-system"]


class ChoicesGiven(PatientFact):
    """A patient, or somebody for them, says what they want. It comes in over HTTP only and travels no topic."""

    NAME: ClassVar[str] = "choices.given"
    request_id: Identifier
    choices: dict[Code, Code]
    way: Way
    given_by: Identifier

    @property
    def natural_key(self) -> str:
        return self.request_id


def choose(patient: Patient, fact: ChoicesGiven, now: datetime) -> Decision[Patient]:
    """Record what is new; messages that are no longer allowed are held back in the same moment.

    Raises:
        Refused: a choice that there is not, or the proof of an address that there is not.
    """
    given = {what: _checked(patient, what, value) for what, value in fact.choices.items()}
    recorded = tuple(
        ConsentRecorded(
            clinic_id=patient.clinic_id,
            patient_id=patient.patient_id,
            consent_id=derived_id("consent", patient.key, fact.request_id, what),
            what=what,
            value=value,
            way=fact.way,
            wording=WORDING,
            recorded_by=fact.given_by,
            recorded_at=now,
        )
        for what, value in given.items()
        if wish(patient, what, "") != value
    )
    for one in recorded:
        patient = record(patient, one, now).state
    return Decision(patient, recorded)


def _checked(patient: Patient, what: str, value: str) -> str:
    """The value as it is recorded: `yes` to an address becomes the mark of the address as it is now."""
    if not admissible(what, value):
        raise Refused("there is no such choice", pointer=f"/choices/{what}", remedy="See docs/notifications.md.")
    if not what.startswith("verified.") or value != "yes":
        return value
    if proof := mark(patient, what.removeprefix("verified.")):
        return proof
    raise Refused("there is no address to vouch for", pointer=f"/choices/{what}", remedy="Hand in patient.updated.")


def record(patient: Patient, fact: ConsentRecorded, now: datetime) -> Decision[Patient]:
    """Add a choice to the ledger, in whatever order they come."""
    if fact.consent_id in patient.consents:
        return Decision(patient)
    entry = Consent(fact.consent_id, fact.what, fact.value, fact.way, fact.wording, fact.recorded_by, fact.recorded_at)
    patient = readdress(patient._replace(consents=_with(patient.consents, entry)))
    return Decision(retime(patient, now) if fact.what == "quiet" else patient)


def _with(consents: Mapping[str, Consent], entry: Consent) -> Mapping[str, Consent]:
    return {**consents, entry.consent_id: entry}
