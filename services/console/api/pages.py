"""Pages: templates in the reader's language, times by the clinic's clocks, and the way around by role."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from gettext import NullTranslations
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.console.api.files import address, integrity
from services.console.api.forms import masked
from services.console.api.numbers import age, rate
from services.console.api.times import FILTERS
from services.console.api.words import DEFAULT_LANGUAGE, LANGUAGES, NAMES, Words
from services.console.domain.people import Person
from services.console.store.sessions import Session
from shared.clinics import Clinic
from shared.tokens import Role

LANGUAGE_COOKIE: Final = "stride_language"
THEME_COOKIE: Final = "stride_theme"
THEMES: Final = ("auto", "light", "dark")

_TEMPLATES: Final = Path(__file__).parent / "templates"
_UTC: Final = ZoneInfo("UTC")


class Place(NamedTuple):
    """A page that the navigation leads to."""

    path: str
    title: str
    """In English; shown in the reader's language."""
    roles: tuple[Role, ...]
    key: str
    """Pressed after `g`, it leads there."""


@dataclass(frozen=True, slots=True)
class View:
    """Who looks at a page, and how."""

    path: str
    language: str = DEFAULT_LANGUAGE
    theme: str = "auto"
    places: Sequence[Place] = ()
    person: Person | None = None
    session: Session | None = None
    clinic_name: str = ""
    zone: ZoneInfo = _UTC

    @classmethod
    def of(cls, request: Request) -> "View":
        """A stranger's, as their browser wants it."""
        theme = request.cookies.get(THEME_COOKIE, "auto")
        return cls(request.url.path, _language(request), theme if theme in THEMES else "auto")

    def of_person(
        self, person: Person, session: Session | None, places: Sequence[Place], clinic_name: str, clinic: Clinic | None
    ) -> "View":
        """The same, for somebody who has signed in."""
        return replace(
            self,
            person=person,
            session=session,
            places=[place for place in places if person.may(*place.roles)],
            clinic_name=clinic_name,
            zone=clinic.zone_info if clinic else _UTC,
        )

    @property
    def csrf(self) -> str:
        """What forms have to carry."""
        return masked(self.session.csrf) if self.session else ""

    @property
    def here(self) -> str:
        """The path of the place that this page belongs to."""
        found = (place.path for place in self.places if f"{self.path}/".startswith(f"{place.path}/"))
        return max(found, key=len, default="")


@dataclass(frozen=True, slots=True)
class Pages:
    """The templates in each language."""

    environments: Mapping[str, Environment]
    words: Words

    @classmethod
    def load(cls, idle_minutes: int) -> "Pages":
        """Templates and translations; `idle_minutes` is after how long without a touch a session ends."""
        words = Words.load()
        return cls({language: _environment(words, language, idle_minutes) for language in LANGUAGES}, words)

    def translator(self, language: str) -> Callable[[str], str]:
        """Says words of ours in a language, for what is drawn and not written in a template."""
        return self.words.by_language[language].gettext

    def render(self, view: View, template: str, status: int = 200, **values: object) -> HTMLResponse:
        """A page, or a part of one; what `values` hold is escaped."""
        environment = self.environments[view.language]
        return HTMLResponse(environment.get_template(template).render(view=view, **values), status)


def _environment(words: Words, language: str, idle_minutes: int) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    catalog = words.by_language[language]
    environment.install_gettext_callables(catalog.gettext, catalog.ngettext, newstyle=True)  # pyright: ignore[reportAttributeAccessIssue]  # of the extension
    environment.filters.update(FILTERS, asset=address, integrity=integrity, age=age, rate=rate, said=_said(catalog))
    known: Mapping[str, Any] = {"languages": LANGUAGES, "themes": THEMES, "names": NAMES, "idle_minutes": idle_minutes}
    environment.globals.update(known)
    return environment


def _said(catalog: NullTranslations) -> Callable[[str], str]:
    """Words of a clinic's files, in the reader's language where the catalogue has them: unlike `_`, not as a format."""
    return lambda words: catalog.gettext(words) if words else ""


def _language(request: Request) -> str:
    """As chosen; else the first that the browser asks for and we have."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    asked = [part.split(";")[0].strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")]
    return next((language for language in (chosen, *asked) if language in LANGUAGES), DEFAULT_LANGUAGE)
