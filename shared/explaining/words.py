"""The phrases of paragraphs (`en.yaml`, `de.yaml`), and how each language writes numbers, days and mid-sentence."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import yaml
from babel.dates import format_date

from shared.charts import number

_PERCENT: Final = 100
_HARDLY: Final = 0.01


def _english(sentence: str) -> str:
    """A word that begins like an abbreviation stays."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]


def _as_it_is(sentence: str) -> str:
    return sentence


class Words(NamedTuple):
    """How one language says it."""

    language: str
    phrases: Mapping[str, str]
    within: Callable[[str], str]
    """A sentence that goes on after a colon."""
    percent_sign: str
    point: str
    day_pattern: str

    def say(self, phrase: str, **values: object) -> str:
        """The phrase, filled in."""
        return self.phrases[phrase].format(**values)

    def number(self, value: float) -> str:
        """Three significant digits."""
        return number(value) if self.point == "." else number(value).replace(",", "\u202f").replace(".", self.point)

    def day(self, at: date) -> str:
        """A date, with the month as a word."""
        return format_date(at, self.day_pattern, locale=self.language)

    def percent(self, share: float) -> str:
        """A share in whole percent."""
        return self.say("hardly") if 0 <= share < _HARDLY else f"{_PERCENT * share:.0f}{self.percent_sign}"

    def readings(self, many: int) -> str:
        """So many of them."""
        return self.say("reading" if many == 1 else "readings", number=many)


def _phrases(language: str) -> Mapping[str, str]:
    return yaml.safe_load((Path(__file__).parent / f"{language}.yaml").read_text(encoding="utf-8"))


SPOKEN: Final = {
    "en": Words("en", _phrases("en"), _english, "%", ".", "d MMM y"),
    "de": Words("de", _phrases("de"), _as_it_is, " %", ",", "d. MMM y"),
}


def words_of(language: str) -> Words:
    """The language's; English where there is no other."""
    return SPOKEN.get(language, SPOKEN["en"])
