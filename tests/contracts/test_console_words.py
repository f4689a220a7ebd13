"""The console's words: every language has all of them, with the same placeholders."""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from services.console.api.words import DEFAULT_LANGUAGE, FOLDER, LANGUAGES

_CONSOLE = FOLDER.parent
_KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}

Words = str | tuple[str, str]


def words_in(path: Path) -> Iterator[Words]:
    method = "python" if path.suffix == ".py" else "jinja2"
    options = {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
    for _, found, _, _ in extract(method, BytesIO(path.read_bytes()), keywords=_KEYWORDS, options=options):
        yield found if isinstance(found, str) else (found[0], found[1])


def all_words() -> set[Words]:
    files = [*_CONSOLE.rglob("*.py"), *_CONSOLE.rglob("*.html")]
    return {words for path in files for words in words_in(path)}


def catalog_of(language: str) -> Catalog:
    with (FOLDER / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def placeholders(words: str | tuple[str, ...] | list[str]) -> set[str]:
    parts = [words] if isinstance(words, str) else words
    return {name for part in parts for name in re.findall(r"%\((\w+)\)s", part)}


def wanting(language: str, words: set[Words]) -> Iterator[str]:
    catalog = catalog_of(language)
    for one in words:
        found = catalog.get(one)
        said = found.string if found else ""
        strings = [said] if isinstance(said, str) else list(said or ())
        if not strings or not all(strings) or (found and found.fuzzy):
            yield f"not translated: {one!r}"
        elif placeholders(strings) != placeholders(one):
            yield f"other placeholders: {one!r}"


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {DEFAULT_LANGUAGE}))
def test_a_language_has_all_words(language: str) -> None:
    assert sorted(wanting(language, all_words())) == []


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {DEFAULT_LANGUAGE}))
def test_a_language_has_no_words_that_nobody_shows(language: str) -> None:
    shown = {one if isinstance(one, str) else one[0] for one in all_words()}
    kept = {one.id if isinstance(one.id, str) else one.id[0] for one in catalog_of(language) if one.id}
    assert sorted(kept - shown) == []


def test_what_is_missing_is_found() -> None:
    assert list(wanting("de", {"Nobody translated this."})) == ["not translated: 'Nobody translated this.'"]
    assert "Sign out" in all_words()
    assert "Audit trail" in all_words()
