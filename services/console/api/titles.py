"""Codes in people's words."""

from typing import Final

from shared.explaining import measure_name
from shared.protocols import Protocols

_FIGURES: Final = {"completion": "Courses completed", "no-show": "Appointments missed"}


def figure_title(protocols: Protocols, protocol_id: str, figure: str) -> str:
    """What a figure of the clinic view shows."""
    kind, _, code = figure.partition("/")
    if kind == "outcome":
        return f"Improvement by session 12: {measure_name(code)}"
    if kind == "milestone":
        return f"Time to milestone: {_small(_milestone_title(protocols, protocol_id, code))}"
    return _FIGURES.get(figure, figure)


def _milestone_title(protocols: Protocols, protocol_id: str, code: str) -> str:
    protocol = protocols.by_id.get(protocol_id)
    rules = protocol.milestones if protocol else ()
    return next((rule.title for rule in rules if rule.milestone == code and rule.title), code)


def _small(title: str) -> str:
    """Within a sentence; an abbreviation stays as it is."""
    return title if title[:2].isupper() else title[:1].lower() + title[1:]
