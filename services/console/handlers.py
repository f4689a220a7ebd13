"""Every fact is kept; what it means is up to the views."""

from typing import Final

from services.console.domain.alerts import ALERT_FACTS
from services.console.domain.patient_file import FiguresDue, keep, keep_alert, keep_contact, recount
from shared.events import intake
from shared.events.base import Fact
from shared.flow import FLOW
from shared.messaging.message import Handler

HANDLERS: Final[dict[type[Fact], Handler]] = {
    **dict.fromkeys(FLOW["console"].consumes, keep),
    **dict.fromkeys(ALERT_FACTS, keep_alert),
    intake.PatientRegistered: keep_contact,
    intake.PatientUpdated: keep_contact,
    FiguresDue: recount,
}
