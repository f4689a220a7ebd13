"""A patient's facts: a set, so that order and repetition leave no trace."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from shared.events.base import Fact
from shared.events.intake import PatientRegistered, PatientUpdated
from shared.messaging.message import Decision

CONTACT: Final = "contact"
"""The slot of the newest of `patient.*`; any other fact has its event id."""

_NONE: Final[Mapping[str, Fact]] = MappingProxyType({})


class PatientFile(NamedTuple):
    """The facts of one patient by slot, as far as the views need them.

    Those about the clinic as a whole are a file of their own, without a patient id.
    """

    clinic_id: str
    patient_id: str
    facts: Mapping[str, Fact] = _NONE


def keep(file: PatientFile, fact: Fact, now: datetime) -> Decision[PatientFile]:
    """One fact more. Of two with the same event id, the first holds."""
    if fact.event_id in file.facts:
        return Decision(file)
    return Decision(file._replace(facts={**file.facts, fact.event_id: fact}))


def keep_contact(file: PatientFile, fact: PatientRegistered | PatientUpdated, now: datetime) -> Decision[PatientFile]:
    """How to reach the patient: the highest revision holds, and older ones are forgotten."""
    known = file.facts.get(CONTACT)
    if known is not None and _revision(known) >= _revision(fact):
        return Decision(file)
    return Decision(file._replace(facts={**file.facts, CONTACT: fact}))


def _revision(fact: Fact) -> int:
    return fact.revision if isinstance(fact, PatientUpdated) else 0
