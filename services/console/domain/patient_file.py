"""What a batch of facts adds to what is kept of a patient: order and repetition leave no trace."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar, Final, NamedTuple

from services.console.domain.alerts import Alert, AlertChange, follow
from shared.events.base import Fact, PatientFact
from shared.events.intake import PatientRegistered, PatientUpdated
from shared.messaging.message import Decision

CONTACT: Final = "contact"
"""The slot of the newest of `patient.*`; any other fact has its event id."""

_NONE: Final[Mapping[str, Fact]] = MappingProxyType({})
_NO_ALERTS: Final[Mapping[str, Alert]] = MappingProxyType({})


class FiguresDue(PatientFact):
    """A patient's part in the clinic's figures is to be counted anew. It travels no topic: the console's own."""

    NAME: ClassVar[str] = "figures.due"

    @property
    def natural_key(self) -> str:
        return self.patient_id


class PatientFile(NamedTuple):
    """What a batch adds for one patient. Facts about the clinic as a whole are a file without a patient id."""

    clinic_id: str
    patient_id: str
    added: Mapping[str, Fact] = _NONE
    """By slot."""
    alerts: Mapping[str, Alert] = _NO_ALERTS
    """Those that the batch is about."""
    recounted: bool = False
    """Whether the patient's part in the clinic's figures is to be counted anew."""


def keep(file: PatientFile, fact: Fact, now: datetime) -> Decision[PatientFile]:
    """One fact more. Of two with the same event id, the first holds."""
    if fact.event_id in file.added:
        return Decision(file)
    return Decision(file._replace(added={**file.added, fact.event_id: fact}))


def keep_contact(file: PatientFile, fact: PatientRegistered | PatientUpdated, now: datetime) -> Decision[PatientFile]:
    """How to reach the patient: the highest revision holds, and older ones are forgotten."""
    known = file.added.get(CONTACT)
    if known is not None and revision_of(known) >= revision_of(fact):
        return Decision(file)
    return Decision(file._replace(added={**file.added, CONTACT: fact}))


def keep_alert(file: PatientFile, fact: AlertChange, now: datetime) -> Decision[PatientFile]:
    """A fact of an alert, and how the alert stands by it."""
    alert = follow(file.alerts.get(fact.alert_id, Alert(fact.alert_id)), fact)
    kept = keep(file, fact, now).state
    return Decision(kept._replace(alerts={**file.alerts, fact.alert_id: alert}))


def recount(file: PatientFile, fact: FiguresDue, now: datetime) -> Decision[PatientFile]:
    """Count anew, when all facts of the batch are kept."""
    return Decision(file._replace(recounted=True))


def revision_of(fact: Fact) -> int:
    """Which of a patient's details these are."""
    return fact.revision if isinstance(fact, PatientUpdated) else 0
