"""What people ask for in the console, which reaches notifications as a fact; over HTTP they would get an answer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from services.notifications.domain.handling import (
    AcknowledgementGiven,
    AlertCommand,
    AssignmentGiven,
    ResolutionGiven,
    SnoozeGiven,
    acknowledge,
    assign,
    resolve,
    snooze,
)
from services.notifications.domain.state import Patient
from shared.events.console import AlertActionRequested
from shared.messaging.errors import Refused
from shared.messaging.message import Decision, Handler

_COMMANDS: Final[Mapping[str, tuple[type[AlertCommand], Handler]]] = {
    "acknowledge": (AcknowledgementGiven, acknowledge),
    "assign": (AssignmentGiven, assign),
    "snooze": (SnoozeGiven, snooze),
    "resolve": (ResolutionGiven, resolve),
}


def act(patient: Patient, fact: AlertActionRequested, now: datetime) -> Decision[Patient]:
    """Do it. Too late, or no longer possible: then nothing follows, and the alert's own facts say how it stands."""
    command, handler = _COMMANDS[fact.action]
    asked = {**fact.model_dump(exclude_none=True), "given_by": fact.requested_by}
    given = command.model_validate({"owner": fact.requested_by, "until": now, **asked})
    return _unless_refused(handler, patient, given, now)


def _unless_refused(handler: Handler, patient: Patient, given: AlertCommand, now: datetime) -> Decision[Patient]:
    try:
        return handler(patient, given, now)
    except Refused:
        return Decision(patient)
