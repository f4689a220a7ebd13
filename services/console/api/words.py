"""The console's words in each language: gettext catalogues, `locales/<language>.po`; English is the source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER: Final = Path(__file__).parent.parent / "locales"
DEFAULT_LANGUAGE: Final = "en"
LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "de": "Deutsch"}


def N_(words: str) -> str:  # noqa: N802  # gettext's own name for it
    """Marks words in code that a template shows translated: `{{ _(title) }}`."""
    return words


NAMES: Final[Mapping[str, str]] = {
    "clinician": N_("clinician"),
    "front-desk": N_("front desk"),
    "operator": N_("operator"),
    "auditor": N_("auditor"),
    "clinic-system": N_("clinic system"),
    "auto": N_("as the device"),
    "light": N_("light"),
    "dark": N_("dark"),
    "left": N_("left"),
    "right": N_("right"),
    "both": N_("both"),
    "ended-completed": N_("completed"),
    "ended-discharged": N_("discharged"),
    "ended-withdrawn": N_("withdrawn"),
    "ended-transferred": N_("transferred"),
    "ended-deceased": N_("deceased"),
}
"""Codes as people say them: in templates, `{{ _(names[code]) }}`."""


class Reader(NamedTuple):
    """In which words a page is written."""

    language: str
    translate: Callable[[str], str]
    """Of words that are not empty: gettext says of none what its catalogue is."""


MONTHS: Final = (
    N_("Jan"), N_("Feb"), N_("Mar"), N_("Apr"), N_("May"), N_("Jun"), N_("Jul"), N_("Aug"), N_("Sep"), N_("Oct"),
    N_("Nov"), N_("Dec"),
)  # fmt: skip
"""As charts name them on their axes."""


ENGLISH: Final = Reader(DEFAULT_LANGUAGE, str)
"""For programs, and for whoever reads the source."""


@dataclass(frozen=True, slots=True)
class Words:
    """The catalogues by language."""

    by_language: Mapping[str, NullTranslations]

    @classmethod
    def load(cls) -> "Words":
        """Read every catalogue."""
        read = {path.stem: _compiled(path) for path in sorted(FOLDER.glob("*.po"))}
        return cls({DEFAULT_LANGUAGE: NullTranslations(), **read})


def _compiled(path: Path) -> GNUTranslations:
    buffer = BytesIO()
    with path.open("rb") as file:
        write_mo(buffer, read_po(file, locale=path.stem, abort_invalid=True))
    buffer.seek(0)
    return GNUTranslations(buffer)
