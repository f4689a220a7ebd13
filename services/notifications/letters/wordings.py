"""The templates: one file per language and topic, checked against the variables each may name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, RootModel

from shared.data_files import read_data_file
from shared.settings import ConfigurationInvalid

FOLDER: Final = Path(__file__).parent.parent / "templates"
DEFAULT_LANGUAGE: Final = "en"


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Allowed(_File):
    """The variables that a topic's templates may name. A subject line is read by whoever is near."""

    subject: frozenset[str] = frozenset()
    body: frozenset[str]


class _AllowedByTopic(RootModel[dict[str, Allowed]]):
    pass


class _Source(_File):
    subject: str
    text: str
    html: str


class Wording:
    """One topic in one language, ready to be filled in."""

    def __init__(self, source: _Source, plain: ImmutableSandboxedEnvironment, rich: ImmutableSandboxedEnvironment):
        self._subject: Template = plain.from_string(source.subject)
        self._text: Template = plain.from_string(source.text)
        self._html: Template = rich.from_string(source.html)

    def fill(self, values: Mapping[str, Any]) -> tuple[str, str, Markup]:
        """Subject, text and HTML.

        Raises:
            jinja2.UndefinedError: a value is missing.
        """
        subject = " ".join(self._subject.render(values).split())
        return subject, self._text.render(values), Markup(self._html.render(values))  # noqa: S704  # autoescaped


class Wordings:
    """All templates under a folder: `variables.yaml`, and `<language>/<topic>.yaml`."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Read and check them.

        Raises:
            ConfigurationInvalid: a file is missing or wrong, or names a variable that it may not.
        """
        self._plain = _environment(autoescape=False)
        self._rich = _environment(autoescape=True)
        self.allowed = read_data_file(folder / "variables.yaml", _AllowedByTopic).root
        self._wordings = {
            (language.name, topic): self._read(language / f"{topic}.yaml", allowed)
            for language in sorted(folder.iterdir())
            if language.is_dir()
            for topic, allowed in self.allowed.items()
        }

    def find(self, topic: str, language: str) -> Wording:
        """The wording in `language` (BCP 47), or in English where there is none."""
        primary = language.split("-", 1)[0].lower()
        return self._wordings.get((primary, topic)) or self._wordings[DEFAULT_LANGUAGE, topic]

    def _read(self, path: Path, allowed: Allowed) -> Wording:
        source = read_data_file(path, _Source)
        self._check(path, "subject", source.subject, allowed.subject)
        self._check(path, "text", source.text, allowed.body)
        self._check(path, "html", source.html, allowed.body)
        return Wording(source, self._plain, self._rich)

    def _check(self, path: Path, part: str, template: str, allowed: frozenset[str]) -> None:
        try:
            named = meta.find_undeclared_variables(self._plain.parse(template))
        except TemplateSyntaxError as error:
            raise ConfigurationInvalid(f"{path}: {part}, line {error.lineno}: {error.message}") from None
        if strange := sorted(named - allowed):
            raise ConfigurationInvalid(
                f"{path}: {part} names {', '.join(strange)}; templates/variables.yaml allows {sorted(allowed)}."
            )


def _environment(*, autoescape: bool) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=autoescape, trim_blocks=True, lstrip_blocks=True
    )
