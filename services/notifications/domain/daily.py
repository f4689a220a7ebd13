"""What a clinic's staff get once a day: a list of what waits for each, and word of gaps in the roster."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final

from services.notifications.domain.alerts import raise_alert
from services.notifications.domain.deliveries import to_staff
from services.notifications.domain.groups import DIGEST
from services.notifications.domain.state import Patient
from shared.events.base import Identifier, PatientFact
from shared.events.notifications import RosterGapFound
from shared.messaging.message import Decision

_VALID: Final = timedelta(hours=12)
_KIND: Final = "roster-gap"


class DigestDue(PatientFact):
    """A member of staff has alerts that wait, and it is the time of day. About the clinic; it travels no topic."""

    NAME: ClassVar[str] = "digest.due"
    owner: Identifier
    day: date
    """By the clinic's calendar."""

    @property
    def natural_key(self) -> str:
        return f"{self.owner}/{self.day}"


def send_digest(patient: Patient, fact: DigestDue, now: datetime) -> Decision[Patient]:
    """Plan the mail; what it lists is looked up when it goes."""
    planned = to_staff(
        patient, fact.owner, "clinician", DIGEST, fact.day.isoformat(), due_at=now, plan_id=None
    )  # fmt: skip
    mails = (one._replace(valid_until=now + _VALID) for one in planned if one.channel == "email")
    return Decision(patient.with_deliveries(*mails))


def report_gap(patient: Patient, fact: RosterGapFound, now: datetime) -> Decision[Patient]:
    """Raise an alert, unless one has told of a gap that this one only goes on."""
    told = (alert.evidence for alert in patient.alerts.values() if alert.kind == _KIND)
    if any(gap["role"] == fact.role and _within(fact.start, gap) for gap in told):
        return Decision(patient)
    return raise_alert(patient, fact, now)


def _within(at: datetime, gap: Mapping[str, Any]) -> bool:
    return datetime.fromisoformat(gap["start"]) <= at <= datetime.fromisoformat(gap["end"])
