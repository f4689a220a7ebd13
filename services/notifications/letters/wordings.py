"""The templates: one file per topic and version, checked against the variables that each channel may name.

A template is never changed once it is used: a new wording is a new version (`<topic>/<version>.yaml`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from gettext import NullTranslations
from pathlib import Path
from typing import Any, Final

from jinja2 import FileSystemLoader, StrictUndefined, TemplateSyntaxError, meta
from jinja2.ext import extract_from_ast
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, RootModel

from services.notifications.letters.speech import DEFAULT_LANGUAGE
from services.notifications.letters.translations import Translations, Words
from shared.data_files import read_data_file
from shared.settings import ConfigurationInvalid

FOLDER: Final = Path(__file__).parent.parent / "templates"
_GIVEN: Final = frozenset({"_", "gettext", "ngettext", "p", "greeting", "times", "gone", "facts", "button"})
"""What every template may use: the words of translation and the parts of a message (`layout/`)."""
_PARTS: Final = ("p", "greeting", "times", "gone", "facts", "button")


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Allowed(_File):
    """The variables that a topic's templates may name. All but the body is read by whoever is near."""

    subject: frozenset[str] = frozenset()
    body: frozenset[str]
    sms: frozenset[str] = frozenset()
    calendar: frozenset[str] = frozenset()


class _AllowedByTopic(RootModel[dict[str, Allowed]]):
    pass


class _Entry(_File):
    summary: str
    description: str


class Source(_File):
    """A template file. The body is set twice, as text and as HTML."""

    subject: str
    body: str
    sms: str | None = None
    calendar: _Entry | None = None

    def parts(self) -> Iterator[tuple[str, str, str]]:
        """`(field, channel as in variables.yaml, template)` of all that there is."""
        yield "subject", "subject", self.subject
        yield "body", "body", self.body
        if self.sms is not None:
            yield "sms", "sms", self.sms
        if self.calendar is not None:
            yield "calendar.summary", "calendar", self.calendar.summary
            yield "calendar.description", "calendar", self.calendar.description


@dataclass(frozen=True, slots=True)
class Mail:
    """The words of a mail."""

    subject: str
    text: str
    html: Markup


class Wording:
    """One topic in one language, ready to be filled in."""

    def __init__(self, topic: str, version: int, language: str, source: Source, media: "_Media") -> None:
        self.topic, self.version, self.language, self.source = topic, version, language, source
        self._media = media

    @property
    def name(self) -> str:
        """What the ledger notes, for instance `reminder/1/de`."""
        return f"{self.topic}/{self.version}/{self.language}"

    def mail(self, values: Mapping[str, Any]) -> Mail:
        """Subject, text and HTML.

        Raises:
            jinja2.UndefinedError: a value is missing.
        """
        subject = self.subject(values)
        text = self._media.as_text(self.source.body).render(values)
        html = self._media.as_html(self.source.body).render(values)
        whole = {**values, "subject": subject, "language": self.language}
        return Mail(
            subject,
            self._media.text.get_template("letter.txt.j2").render({**whole, "body": _paragraphs(text)}),
            Markup(self._media.html.get_template("letter.html.j2").render({**whole, "body": Markup(html)})),  # noqa: S704  # autoescaped
        )

    def subject(self, values: Mapping[str, Any]) -> str:
        """The subject line alone."""
        return self._line(self.source.subject, values)

    def sms(self, values: Mapping[str, Any]) -> str | None:
        """The text message; nothing where the topic has none."""
        return None if self.source.sms is None else self._line(self.source.sms, values)

    def calendar(self, values: Mapping[str, Any]) -> tuple[str, str] | None:
        """Summary and description of a calendar entry; nothing where the topic has none."""
        entry = self.source.calendar
        return None if entry is None else (self._line(entry.summary, values), self._line(entry.description, values))

    def _line(self, template: str, values: Mapping[str, Any]) -> str:
        return " ".join(self._media.as_text(template).render(values).split())


class Wordings:
    """All templates under a folder: `variables.yaml`, `layout/`, and `<topic>/<version>.yaml`."""

    def __init__(self, folder: Path = FOLDER, translations: Translations | None = None) -> None:
        """Read and check them.

        Raises:
            ConfigurationInvalid: a file is missing or wrong, or names a variable that it may not.
        """
        self._folder = folder
        self.translations = translations or Translations.load()
        self._media = {language: _Media(language, folder, self.translations) for language in self.languages}
        self.allowed = read_data_file(folder / "variables.yaml", _AllowedByTopic).root
        self.sources = {
            (topic, int(path.stem)): self._read(path, allowed)
            for topic, allowed in self.allowed.items()
            for path in _versions(folder / topic)
        }

    @cached_property
    def languages(self) -> list[str]:
        """All that can be written in."""
        return sorted(self.translations.by_language)

    def find(self, topic: str, language: str) -> Wording:
        """The newest wording in `language` (BCP 47), or in English where there is none."""
        primary = language.split("-", 1)[0].lower()
        spoken = primary if primary in self._media else DEFAULT_LANGUAGE
        version = max(number for name, number in self.sources if name == topic)
        return Wording(topic, version, spoken, self.sources[topic, version], self._media[spoken])

    def messages(self, topic: str, version: int) -> Iterator[Words]:
        """What there is to translate in a template."""
        for _, _, template in self.sources[topic, version].parts():
            yield from self._translatable(template)

    def layout_messages(self) -> Iterator[Words]:
        """What there is to translate in the layout."""
        text = self._media[DEFAULT_LANGUAGE].text
        for name in text.list_templates():
            yield from self._translatable((self._folder / "layout" / name).read_text(encoding="utf-8"))

    def _translatable(self, template: str) -> Iterator[Words]:
        tree = self._media[DEFAULT_LANGUAGE].text.parse(template)
        for _, function, found in extract_from_ast(tree, babel_style=False):  # (line, function, words)
            words = [word for word in (found if isinstance(found, tuple) else (found,)) if word]
            yield (words[0], words[1]) if function == "ngettext" else words[0]

    def _read(self, path: Path, allowed: Allowed) -> Source:
        source = read_data_file(path, Source)
        for name, channel, template in source.parts():
            self._check(path, name, template, getattr(allowed, channel))
        return source

    def _check(self, path: Path, part: str, template: str, allowed: frozenset[str]) -> None:
        try:
            named = meta.find_undeclared_variables(self._media[DEFAULT_LANGUAGE].text.parse(template))
        except TemplateSyntaxError as error:
            raise ConfigurationInvalid(f"{path}: {part}, line {error.lineno}: {error.message}") from None
        if strange := sorted(named - allowed - _GIVEN):
            raise ConfigurationInvalid(
                f"{path}: {part} names {', '.join(strange)}; variables.yaml allows {sorted(allowed)}."
            )


class _Media:
    """The same words as text and as HTML, in one language."""

    def __init__(self, language: str, folder: Path, translations: Translations) -> None:
        words = translations.by_language[language]
        self.text = _environment(folder, words, "text.j2", autoescape=False)
        self.html = _environment(folder, words, "html.j2", autoescape=True)
        self.as_text = cache(self.text.from_string)
        self.as_html = cache(self.html.from_string)


def _environment(
    folder: Path, words: NullTranslations, parts: str, *, autoescape: bool
) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folder / "layout"),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        autoescape=autoescape,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(words, newstyle=True)  # pyright: ignore[reportAttributeAccessIssue]  # the extension's
    module = environment.get_template(parts).module
    environment.globals.update({name: getattr(module, name) for name in _PARTS})
    return environment


def _versions(folder: Path) -> list[Path]:
    paths = sorted(folder.glob("[0-9]*.yaml"))
    if not paths:
        raise ConfigurationInvalid(f"{folder}: has no template, such as 1.yaml.")
    return paths


def _paragraphs(text: str) -> str:
    """Without more than one empty line between paragraphs."""
    kept = [line.rstrip() for line in text.strip().splitlines()]
    return "\n".join(line for line, before in zip(kept, ["x", *kept], strict=False) if line or before) + "\n"
