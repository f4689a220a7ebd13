"""Codes in people's words."""

from collections.abc import Mapping
from typing import Final

from services.console.api.words import ENGLISH, N_, Reader
from shared.explaining import measure_name
from shared.protocols import Protocols

_FIGURES: Final = {"completion": N_("Courses completed"), "no-show": N_("Appointments missed")}
RULES: Final[Mapping[int, str]] = {
    1: N_("one week beyond a limit"),
    2: N_("two of three weeks beyond two sigma on one side"),
    3: N_("four of five weeks beyond one sigma on one side"),
    4: N_("eight weeks in a row on one side of the mean"),
}
"""The run rules of `domain.xmr` by number, in words."""


def figure_title(protocols: Protocols, protocol_id: str, figure: str, reader: Reader = ENGLISH) -> str:
    """What a figure of the clinic view shows."""
    kind, _, code = figure.partition("/")
    if kind == "outcome":
        words, about = N_("Improvement by session 12: %(what)s"), measure_name(code, reader.language)
    elif kind == "milestone":
        words = N_("Time to milestone: %(what)s")
        about = _small(reader.translate(_milestone_title(protocols, protocol_id, code)), reader)
    else:
        return reader.translate(_FIGURES.get(figure, figure))
    return reader.translate(words) % {"what": about}


def _milestone_title(protocols: Protocols, protocol_id: str, code: str) -> str:
    protocol = protocols.by_id.get(protocol_id)
    rules = protocol.milestones if protocol else ()
    return next((rule.title for rule in rules if rule.milestone == code and rule.title), code)


def _small(title: str, reader: Reader) -> str:
    """Within an English sentence; an abbreviation stays as it is."""
    return title if title[:2].isupper() or reader.language != "en" else title[:1].lower() + title[1:]
