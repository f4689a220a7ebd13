"""How one reader is spoken to: language, forms of dates and money, direction of writing."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final, Literal, Self
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError, dates, numbers
from markupsafe import Markup

DEFAULT_LANGUAGE: Final = "en"
_RIGHT_TO_LEFT: Final = range(0x0590, 0x0900)
"""Hebrew to Arabic Extended-A; enough to tell a name that runs the other way."""
_ISOLATE, _END = "\u2068", "\u2069"


class Isolated(str):
    """Words whose direction must not disturb what stands around them: a name, a number, a date.

    As text it carries Unicode's isolates where they are needed; in HTML it is a `<bdi>`.
    """

    __slots__ = ("plain",)
    plain: str

    def __new__(cls, plain: str, *, marked: bool) -> Self:
        self = super().__new__(cls, f"{_ISOLATE}{plain}{_END}" if marked and plain else plain)
        self.plain = plain
        return self

    def __html__(self) -> Markup:
        return Markup("<bdi>{}</bdi>").format(self.plain) if self.plain else Markup()


@lru_cache(maxsize=256)
def locale_of(language: str, country: str) -> Locale:
    """The forms of `language` (BCP 47), in the clinic's `country` where the language names none."""
    primary, *rest = language.replace("-", "_").split("_")
    for name in ("_".join([primary, *rest]), f"{primary}_{country}", primary):
        if name == primary and not rest and country:
            continue
        try:
            return Locale.parse(name)
        except (UnknownLocaleError, ValueError):
            continue
    try:
        return Locale.parse(primary)
    except (UnknownLocaleError, ValueError):
        return Locale.parse(DEFAULT_LANGUAGE)


@dataclass(frozen=True, slots=True)
class Speech:
    """A language as one reader in `zone` has it."""

    language: str
    locale: Locale
    zone: ZoneInfo

    @property
    def direction(self) -> Literal["ltr", "rtl"]:
        """HTML's `dir`."""
        return "rtl" if self.locale.text_direction == "rtl" else "ltr"

    def isolated(self, words: str) -> Isolated:
        """`words`, kept apart where directions may mix."""
        mixed = self.direction == "rtl" or any(ord(character) in _RIGHT_TO_LEFT for character in words)
        return Isolated(one_line(words), marked=mixed)

    def day(self, at: datetime) -> Isolated:
        """For instance `Monday, 18 May 2026`."""
        return self.isolated(dates.format_date(self._local(at).date(), "full", locale=self.locale))

    def short_day(self, on: date) -> str:
        """For instance `Mon 18 May`."""
        return dates.format_skeleton("MMMEd", datetime(on.year, on.month, on.day), locale=self.locale)  # noqa: DTZ001

    def time(self, at: datetime) -> Isolated:
        """For instance `14:30`."""
        local = self._local(at)
        return self.isolated(dates.format_time(local.time(), "short", locale=self.locale))

    def money(self, amount: float, currency: str) -> Isolated:
        """For instance `£45.00`."""
        return self.isolated(numbers.format_currency(amount, currency, locale=self.locale))

    def zone_name(self) -> str:
        """The zone by its city, for instance `Londres`."""
        return dates.get_timezone_location(self.zone, locale=self.locale, return_city=True)

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self.zone)


def one_line(words: str) -> str:
    """Without line breaks and control characters: nothing can be smuggled into a header."""
    return " ".join("".join(character if character.isprintable() else " " for character in words).split())
