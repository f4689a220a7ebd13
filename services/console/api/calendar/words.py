"""What the calendar says in words: states, why nothing can be booked, what was asked and why it can't be done."""

from collections.abc import Mapping
from typing import Final

from services.console.api.waiting_words import WHY_NOT
from services.console.api.words import N_

STATES: Final[Mapping[str, str]] = {
    "booked": N_("booked"),
    "held": N_("held"),
    "missed": N_("missed"),
    "cancelled": N_("cancelled"),
}
CLOSED: Final[Mapping[str, str]] = {
    "holiday": N_("Public holiday"),
    "leave": N_("Leave"),
    "closed": N_("Closed"),
}
"""Reasons that have words; any other code is shown as it is."""
ASKED: Final[Mapping[str, str]] = {
    "move": N_("Being moved"),
    "cancel": N_("Being cancelled"),
    "no-show": N_("Being noted as missed"),
}
REASONS: Final[Mapping[str, str]] = {
    "patient-asked": N_("the patient asked for it"),
    "patient-ill": N_("the patient is ill"),
    "practitioner-away": N_("the practitioner is away"),
    "booked-in-error": N_("booked in error"),
    "other": N_("something else"),
}
"""Why staff cancel: codes, since what is said of a request travels without names and clinical text."""
REFUSED: Final[Mapping[str, str]] = {
    **WHY_NOT,
    "beyond-horizon": WHY_NOT["horizon"],
    "clinic-closed": N_("nobody who could treat works then"),
    "fully-booked": N_("everything is taken then"),
}
"""Why an appointment could not be moved; for any other code, `OTHER`."""
