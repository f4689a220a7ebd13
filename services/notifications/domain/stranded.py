"""The alert about stranded events ends by itself when they were taken up again."""

from datetime import datetime
from typing import Final

from services.notifications.domain.alerts import alert_id_of, raise_alert
from services.notifications.domain.handling import ResolutionGiven, resolve
from services.notifications.domain.state import Patient
from shared.events.operations import EventsReleased, EventsStranded
from shared.messaging.message import Decision

BY_ITSELF: Final = "stride"
"""Who resolves what no person had to."""


def release(patient: Patient, fact: EventsReleased, now: datetime) -> Decision[Patient]:
    """Resolve the alert; where this fact came first, raise it too, so that the other one finds it over."""
    stranded = EventsStranded.model_validate(fact.model_dump())
    raised = raise_alert(patient, stranded, now)
    alert = raised.state.alerts[alert_id_of(stranded)]
    given = ResolutionGiven(
        clinic_id=fact.clinic_id, patient_id=fact.patient_id, alert_id=alert.alert_id,
        given_by=BY_ITSELF, revision=alert.revision, resolution="done",
    )  # fmt: skip
    resolved = resolve(raised.state, given, now)
    return Decision(resolved.state, (*raised.facts, *resolved.facts))
