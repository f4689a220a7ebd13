"""The pages that patients open by a link: in their language, without script, from no other host."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from babel import Locale
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import extract_from_ast
from markupsafe import Markup

from services.notifications.letters.speech import DEFAULT_LANGUAGE, locale_of
from services.notifications.letters.translations import Translations, Words
from services.notifications.letters.wordings import FOLDER

_FOLDER: Final = FOLDER / "pages"


class Pages:
    """The templates of `templates/pages`, in every language."""

    def __init__(self, translations: Translations, folder: Path = _FOLDER) -> None:
        self._folder, self.translations = folder, translations
        self._style = (folder / "page.css").read_text(encoding="utf-8")
        self._environments = {name: _environment(folder, translations, name) for name in translations.by_language}
        self.languages = [(name, Locale.parse(name).get_display_name(name) or name) for name in self._environments]

    def render(self, name: str, language: str, values: Mapping[str, Any]) -> str:
        """The page `name`."""
        frame = {
            "language": language,
            "direction": locale_of(language, "").text_direction,
            "style": Markup(self._style),  # noqa: S704  # our own file
            "languages": (),
        }
        return self._environments[language].get_template(f"{name}.html.j2").render({**frame, **values})

    def words(self, language: str, message: str, **values: object) -> str:
        """One sentence in `language`."""
        return self.translations.by_language[language].gettext(message) % values

    def nearest(self, *wanted: str) -> str:
        """The first of `wanted` (BCP 47, or a whole `Accept-Language`) that there is; else English."""
        tags = [part.split(";")[0].strip() for one in wanted for part in one.split(",")]
        found = (tag.split("-")[0].lower() for tag in tags)
        return next((tag for tag in found if tag in self._environments), DEFAULT_LANGUAGE)

    @property
    def headers(self) -> Mapping[str, str]:
        """Of every page: nothing else may be loaded or run, nobody else may frame it or learn its address."""
        style = b64encode(sha256(self._style.encode()).digest()).decode()
        policy = f"default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'"
        return {
            "Content-Security-Policy": f"{policy}; frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            "X-Robots-Tag": "noindex",
            "X-Content-Type-Options": "nosniff",
        }

    def messages(self) -> Iterator[Words]:
        """What there is to translate."""
        environment = self._environments[DEFAULT_LANGUAGE]
        for name in sorted(environment.list_templates(extensions=["j2"])):
            tree = environment.parse((self._folder / name).read_text(encoding="utf-8"))
            for _, _, found in extract_from_ast(tree, babel_style=False):
                yield found if isinstance(found, str) else str((found or ("",))[0])


def _environment(folder: Path, translations: Translations, language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = translations.by_language[language]
    environment.install_gettext_translations(words, newstyle=True)  # pyright: ignore[reportAttributeAccessIssue]  # the extension's
    return environment
