"""Words that tell what somebody is treated for: they never stand where a stranger may read them.

A list per language (`templates/private_words.yaml`), and the words of the protocols themselves.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from re import findall
from typing import Final
from unicodedata import combining, normalize

from pydantic import RootModel

from services.notifications.letters.wordings import FOLDER
from shared.data_files import read_data_file
from shared.protocols import Protocol

_SHORT: Final = 4
"""Shorter words of a protocol tell nothing ("for", "left")."""


class _WordsByLanguage(RootModel[dict[str, tuple[str, ...]]]):
    pass


@dataclass(frozen=True, slots=True)
class PrivateWords:
    """`stems` end anywhere (acupunct*), `whole` are words as they are; both folded."""

    stems: tuple[str, ...]
    whole: frozenset[str]

    @classmethod
    def load(cls, protocols: Iterable[Protocol] = (), folder: Path = FOLDER) -> "PrivateWords":
        """The words of all languages together: a message may quote another one.

        Raises:
            ConfigurationInvalid: the list is missing or malformed.
        """
        listed: Mapping[str, tuple[str, ...]] = read_data_file(folder / "private_words.yaml", _WordsByLanguage).root
        common = {folded(word) for word in listed.get("harmless", ())}
        words = {folded(word) for language, entry in listed.items() if language != "harmless" for word in entry}
        told = {word for protocol in protocols for word in _words_of(protocol)} - common
        return cls(
            tuple(sorted(word.removesuffix("*") for word in words if word.endswith("*"))),
            frozenset(told | {word for word in words if not word.endswith("*")}),
        )

    def found_in(self, text: str) -> Iterator[str]:
        """The words of `text` that must not be there, as they stand there."""
        for word in findall(r"[\w.'’-]+", text):
            plain = folded(word).strip(".'’-")
            bare = plain.removeprefix("ال")  # the Arabic article is written with its word
            if plain in self.whole or bare in self.whole or plain.startswith(self.stems) or bare.startswith(self.stems):
                yield word


def folded(word: str) -> str:
    """Without capitals and accents, so that `Rééducation` is `reeducation`."""
    return "".join(letter for letter in normalize("NFKD", word.casefold()) if not combining(letter))


def _words_of(protocol: Protocol) -> Iterator[str]:
    """The codes and the telling words of a protocol's titles."""
    titles = [protocol.title, protocol.skill, *(condition.title for condition in protocol.conditions)]
    yield from (folded(condition.code) for condition in protocol.conditions)
    for title in titles:
        yield from (folded(word) for word in findall(r"\w+", title) if len(word) >= _SHORT)
