"""Alerts' titles in the reader's language: their facts tell them in English, in sentences that are known by kind."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from services.console.api.words import N_, NAMES, Reader
from shared.explaining import renamed_measure

SENTENCES: Final[Mapping[str, tuple[str, ...]]] = {
    "milestone": (N_("Milestone reached: %(milestone)s"),),
    "milestone-retracted": (N_("Milestone retracted: %(milestone)s"),),
    "milestone-not-evaluable": (N_("Milestone %(code)s can't be judged: %(reason)s"),),
    "regression": (N_("Worse beyond noise: %(measure)s"),),
    "plateau": (N_("Little gain lately: %(measure)s"),),
    "adverse-event": (N_("Adverse event reported, grade %(grade)s"),),
    "adjustment-proposed": (N_("A change of plan awaits a decision: step %(before)s to %(after)s"),),
    "plan-review-due": (N_("Held for review: stepped back %(times)s times"),),
    "plan-withheld": (N_("No plan was made: something forbids it"),),
    "course-unschedulable": (
        N_("An appointment could not be moved as asked for"),
        N_("%(number)s session(s) could not be booked"),
    ),
    "rebooking-wished": (N_("Asks for another time after a missed appointment"),),
    "roster-gap": (N_("Nobody is on duty as %(role)s: %(start)s to %(end)s"),),
    "events-stranded": (
        N_("%(service)s can't read records of %(topic)s"),
        N_("Events wait: %(service)s must be updated for %(topic)s"),
        N_("Events wait: %(service)s could not apply %(topic)s"),
    ),
}
"""What notifications calls alerts, by kind."""

_PART: Final = re.compile(r"%\((\w+)\)s")


def alert_title(kind: str, title: str, reader: Reader) -> str:
    """The title for a reader; as the fact tells it where no sentence is known, as of a release that is newer."""
    for sentence in SENTENCES.get(kind, ()):
        if found := _pattern(sentence).fullmatch(title):
            parts = {name: _part(name, words, reader) for name, words in found.groupdict().items()}
            return reader.translate(sentence) % parts
    return title


@cache
def _pattern(sentence: str) -> re.Pattern[str]:
    words = _PART.split(sentence)
    return re.compile("".join(f"(?P<{one}>.+)" if at % 2 else re.escape(one) for at, one in enumerate(words)))


def _part(name: str, words: str, reader: Reader) -> str:
    match name:
        case "milestone":
            return reader.translate(words)
        case "measure":
            return renamed_measure(words, reader.language)
        case "role":
            return reader.translate(NAMES.get(words, words))
        case _:
            return words
