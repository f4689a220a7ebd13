"""What must be right with the templates before a clinic may use them: `stride template check`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from services.notifications.letters.mail import Letters
from services.notifications.letters.pages import Pages
from services.notifications.letters.privacy import PrivateWords
from services.notifications.letters.samples import STAFF, sample_values
from services.notifications.letters.says import Says
from services.notifications.letters.sms import is_gsm, segments
from services.notifications.letters.speech import DEFAULT_LANGUAGE
from services.notifications.letters.translations import Words
from services.notifications.letters.wordings import FOLDER, Wording
from shared.clinics import Clinic
from shared.settings import ConfigurationInvalid

SEALS: Final = "versions.lock"
_COUNTS: Final = (1, 2, 3, 8, 11, 100)
"""Singular, and each plural of the languages that have several (Arabic has six forms)."""
_SEGMENTS: Final = 4
_ENGLISH: Final = 160


@dataclass(frozen=True, slots=True)
class Checker:
    """Looks at every topic in every language, for every clinic."""

    letters: Letters
    clinics: Mapping[str, Clinic]
    private: PrivateWords

    def problems(self) -> Iterator[str]:
        """All that is wrong, in words that say where and how to mend it."""
        yield from self._untranslated()
        for clinic in self.clinics.values():
            yield from self._telling_names(clinic)
            for wording in self.wordings():
                yield from self._open_texts(clinic, wording)

    def wordings(self) -> Iterator[Wording]:
        """The newest wording of each topic in each language that it is sent in."""
        wordings = self.letters.wordings
        for topic in wordings.allowed:
            for language in [DEFAULT_LANGUAGE] if topic in STAFF else wordings.languages:
                yield wordings.find(topic, language)

    def messages(self) -> Iterator[Words]:
        """What there is to translate, each once."""
        wordings, seen = self.letters.wordings, set[Words]()
        sources = [wordings.messages(*key) for key in wordings.sources if key[0] not in STAFF]
        pages = Pages(wordings.translations).messages()
        for group in (*sources, wordings.layout_messages(), pages, _SAID_BY_CODE):
            for words in group:
                if words not in seen:
                    seen.add(words)
                    yield words

    def _untranslated(self) -> Iterator[str]:
        translations = self.letters.wordings.translations
        for language in translations.catalogs:
            yield from translations.missing(language, self.messages())

    def _telling_names(self, clinic: Clinic) -> Iterator[str]:
        shown = clinic.discreet_name or clinic.name
        for word in self.private.found_in(shown):
            yield f"clinic {clinic.clinic_id}: senders show {word!r}: give it a discreet_name without such words."

    def _open_texts(self, clinic: Clinic, wording: Wording) -> Iterator[str]:
        """What strangers may read must tell nothing; to staff only the subject line goes, and it names no patient."""
        if wording.topic in STAFF:
            return
        values = sample_values(clinic, self.letters, wording, 3)
        seen = set[tuple[str, str]]()
        for count in _COUNTS:
            seen |= set(_open_parts(wording, {**values, "count": count}))
        for part, text in sorted(seen):
            for word in self.private.found_in(text):
                yield f"{wording.name}: {part} says {word!r}, which tells what somebody is treated for."
            if part == "sms":
                yield from _too_long(wording, text)


def _open_parts(wording: Wording, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "subject", wording.subject(values)
    yield "sms", wording.sms(values) or ""
    for text in wording.calendar(values) or ():
        yield "calendar", text


def _too_long(wording: Wording, text: str) -> Iterator[str]:
    if wording.language == DEFAULT_LANGUAGE and (len(text) > _ENGLISH or not is_gsm(text)):
        yield f"{wording.name}: the SMS has {len(text)} characters; {_ENGLISH} of GSM-7 is the most: {text!r}"
    elif segments(text) > _SEGMENTS:
        yield f"{wording.name}: the SMS takes {segments(text)} messages; {_SEGMENTS} is the most."


_SAID_BY_CODE: Final[tuple[Words, ...]] = (
    "Your clinic", "All times are %(zone)s time.", "%(day)s, %(time)s", "Week %(first)s", "Weeks %(first)s to %(last)s",
    ("%(num)s appointment", "%(num)s appointments"), ("%(num)s appointment a week", "%(num)s appointments a week"),
    *(str(words) for words in Says),
)  # fmt: skip
"""The words that `values.py` and the pages ask for."""


def seals(folder: Path = FOLDER) -> dict[str, str]:
    """`<topic>/<version>` to the digest of that template, as it is now."""
    paths = sorted(folder.glob("*/[0-9]*.yaml"))
    return {f"{path.parent.name}/{path.stem}": sha256(path.read_bytes()).hexdigest() for path in paths}


def broken_seals(folder: Path = FOLDER) -> Iterator[str]:
    """Which templates were changed although a version is for ever, or are not sealed yet."""
    known, now = read_seals(folder), seals(folder)
    for name in sorted(known.keys() | now.keys()):
        if name not in known:
            yield f"{name}: new; seal it with `stride template seal` once it is as it should stay."
        elif name not in now:
            yield f"{name}: is gone; what was sent with it could not be shown any more."
        elif known[name] != now[name]:
            yield f"{name}: was changed; a version is for ever: restore it and make the next one."


def read_seals(folder: Path = FOLDER) -> dict[str, str]:
    """The digests of the templates that are for ever.

    Raises:
        ConfigurationInvalid: a line is no `<topic>/<version> <sha256>`.
    """
    path = folder / SEALS
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return dict(_pair(line) for line in lines)
    except ValueError:
        raise ConfigurationInvalid(f"{path}: each line is `<topic>/<version> <sha256>`.") from None


def seal(folder: Path = FOLDER) -> list[str]:
    """Add the templates that are new; gives their names."""
    known = read_seals(folder)
    new = {name: digest for name, digest in seals(folder).items() if name not in known}
    lines = [f"{name} {digest}\n" for name, digest in sorted({**known, **new}.items())]
    (folder / SEALS).write_text("".join(lines), encoding="utf-8")
    return sorted(new)


def _pair(line: str) -> tuple[str, str]:
    name, digest = line.split()
    return name, digest
