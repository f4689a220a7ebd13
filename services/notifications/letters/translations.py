"""The wordings in other languages: gettext catalogues, `locales/<language>.po`; English is the source."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from re import findall
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from services.notifications.letters.speech import DEFAULT_LANGUAGE
from shared.settings import ConfigurationInvalid

FOLDER: Final = Path(__file__).parent.parent / "locales"
Words = str | tuple[str, str]
"""A message, or its singular and plural."""


@dataclass(frozen=True, slots=True)
class Translations:
    """All languages, ready for Jinja2. Each has `gettext` and `ngettext`."""

    by_language: Mapping[str, NullTranslations]
    catalogs: Mapping[str, Catalog]

    @classmethod
    def load(cls, folder: Path = FOLDER) -> "Translations":
        """Read every catalogue of `folder`.

        Raises:
            ConfigurationInvalid: one is no PO file.
        """
        catalogs = {path.stem: _read(path) for path in sorted(folder.glob("*.po"))}
        compiled = {language: _compiled(catalog) for language, catalog in catalogs.items()}
        return cls({DEFAULT_LANGUAGE: NullTranslations(), **compiled}, catalogs)

    def missing(self, language: str, messages: Iterator[Words]) -> Iterator[str]:
        """What `language` lacks of `messages`, in words: not translated, doubtful, or other placeholders."""
        catalog = self.catalogs[language]
        for words in messages:
            source = words if isinstance(words, str) else words[0]
            found = catalog.get(words)
            if found is None or not _filled(found, catalog.num_plurals) or found.fuzzy:
                yield f"{language}: not translated: {source!r}"
            elif strange := _placeholders(found) - _named(words):
                yield f"{language}: names {', '.join(sorted(strange))}, which the English does not: {source!r}"


def _read(path: Path) -> Catalog:
    try:
        with path.open("rb") as file:
            return read_po(file, locale=path.stem, abort_invalid=True)
    except (OSError, PoFileError, ValueError) as error:
        raise ConfigurationInvalid(f"{path}: no catalogue of translations: {error}") from error


def _compiled(catalog: Catalog) -> GNUTranslations:
    buffer = BytesIO()
    write_mo(buffer, catalog)
    buffer.seek(0)
    return GNUTranslations(buffer)


def _strings(message: Message) -> tuple[str, ...]:
    found = message.string
    return (found,) if isinstance(found, str) else tuple(found or ())


def _filled(message: Message, plurals: int) -> bool:
    strings = _strings(message)
    return all(strings) and len(strings) == (plurals if message.pluralizable else 1)


def _placeholders(message: Message) -> set[str]:
    return {name for words in _strings(message) for name in _names(words)}


def _named(words: Words) -> set[str]:
    return {name for part in ([words] if isinstance(words, str) else words) for name in _names(part)}


def _names(words: str) -> list[str]:
    return findall(r"%\((\w+)\)s", words)
