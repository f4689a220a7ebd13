"""What a patient wants and allows: an append-only ledger of choices, of which the latest holds.

`email` and `sms` say whether a channel may be used at all, `topic.reminder` whether a kind of message is wanted,
`channel` which way is preferred, `quiet` when to leave them alone (`21:00-08:00`), `language` what they read.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final, Literal

from services.notifications.domain.deliveries import readdress
from services.notifications.domain.state import Consent, Patient, wish
from shared.events.base import Code, Identifier, PatientFact
from shared.events.notifications import ConsentRecorded
from shared.ids import derived_id
from shared.messaging.errors import Refused
from shared.messaging.message import Decision

WORDING: Final = "choices-1"
"""The version of the page's words that a choice was made by; raise it with them."""
OPTIONAL_TOPICS: Final = ("reminder", "milestone", "missed")
_SWITCHES: Final = ("email", "sms", *(f"topic.{topic}" for topic in OPTIONAL_TOPICS))
_ALLOWED: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(_SWITCHES, frozenset({"on", "off"})),
    "channel": frozenset({"email", "sms"}),
}
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
        Refused: a choice that there is not.
    """
    for what, value in fact.choices.items():
        if value not in _ALLOWED.get(what, frozenset()):
            raise Refused("there is no such choice", pointer=f"/choices/{what}", remedy="See docs/notifications.md.")
    new = [(what, value) for what, value in fact.choices.items() if wish(patient, what, "") != value]
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
        for what, value in new
    )
    for one in recorded:
        patient = record(patient, one, now).state
    return Decision(patient, recorded)


def record(patient: Patient, fact: ConsentRecorded, _now: datetime) -> Decision[Patient]:
    """Add a choice to the ledger, in whatever order they come."""
    if fact.consent_id in patient.consents:
        return Decision(patient)
    entry = Consent(fact.consent_id, fact.what, fact.value, fact.way, fact.wording, fact.recorded_by, fact.recorded_at)
    return Decision(readdress(patient._replace(consents={**patient.consents, entry.consent_id: entry})))


def keyword(text: str) -> Literal["stop", "start", "help"] | None:
    """What a patient asks for by answering a text message with one word, in any language that Stride writes."""
    return _KEYWORDS.get(text.strip().strip(".!").casefold())


_KEYWORDS: Final[Mapping[str, Literal["stop", "start", "help"]]] = {
    **dict.fromkeys(("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "baja", "alto", "stopp", "arrêt",
                     "arret", "إيقاف", "توقف"), "stop"),
    **dict.fromkeys(("start", "unstop", "yes", "alta", "oui", "ja", "ابدأ", "نعم"), "start"),
    **dict.fromkeys(("help", "info", "ayuda", "hilfe", "aide", "مساعدة"), "help"),
}  # fmt: skip
