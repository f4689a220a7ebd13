"""How the page of an offer looks, in the language that the reader's browser asks for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, RootModel
from sqlalchemy import Row
from starlette.responses import HTMLResponse

from shared.clinics import Clinic
from shared.data_files import read_data_file

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_STYLE: Final = Markup("""
:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5; }
body { max-width: 34em; margin: 2em auto; padding: 0 1em; }
.time { font-size: 1.25em; font-weight: 600; }
form { display: flex; flex-wrap: wrap; gap: 1em; margin: 1.5em 0; }
button { font: inherit; padding: 0.7em 1.4em; border-radius: 0.4em; border: 2px solid currentColor; }
button[value=yes] { background: #1f6f78; color: #fff; border-color: #1f6f78; }
button[value=no] { background: transparent; color: inherit; }
""")
_PAGE: Final = Markup(
    '<!doctype html><html lang="{language}" dir="{direction}"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><title>{title}</title><style>{style}</style></head>'
    "<body><main><h1>{title}</h1>{body}</main><footer><p>{clinic}</p></footer></body></html>"
)
_ASK: Final = Markup(
    '<p class="time"><time datetime="{iso}">{when}</time></p><p>{with_whom}</p><p>{instead}</p>'
    '<form method="post"><button name="answer" value="yes">{yes}</button>'
    '<button name="answer" value="no">{no}</button></form><p>{until}</p>'
)


class Words(BaseModel):
    """All that the page says in one language; `told` by what became of the offer."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    locale: str
    direction: str = "ltr"
    title: str
    moment: str
    with_whom: str
    instead: str
    until: str
    accept: str
    decline: str
    told: dict[str, tuple[str, str]]


class _ByLanguage(RootModel[dict[str, Words]]):
    pass


WORDS: Final = read_data_file(Path(__file__).parent / "offer_words.yaml", _ByLanguage).root


@dataclass(frozen=True, slots=True)
class Page:
    """The page for one reader."""

    language: str
    words: Words
    clinic: Clinic | None

    @staticmethod
    def of(accepted: str, clinic: Clinic | None) -> "Page":
        """In the first language of an Accept-Language header that there are words in; else in English."""
        asked = [part.split(";")[0].strip().split("-")[0].lower() for part in accepted.split(",")]
        language = next((each for each in asked if each in WORDS), "en")
        return Page(language, WORDS[language], clinic)

    def asking(self, offer: Row[Any]) -> HTMLResponse:
        """What is offered, and the two answers."""
        words = self.words
        names = {each.id: each.name for each in self.clinic.practitioners} if self.clinic else {}
        with_whom = names.get(offer.practitioner_id, "")
        body = _ASK.format(
            iso=offer.start_at.isoformat(),
            when=self._moment(offer.start_at),
            with_whom=words.with_whom.format(name=with_whom) if with_whom else "",
            instead=words.instead if offer.moves else "",
            until=words.until.format(moment=self._moment(offer.expires_at)),
            yes=words.accept,
            no=words.decline,
        )
        return self._page(words.title, body, 200)

    def told(self, what: str, status: int) -> HTMLResponse:
        """How the offer stands, and what that means."""
        title, body = self.words.told[what]
        return self._page(title, Markup("<p>{}</p>").format(body), status)

    def _page(self, title: str, body: Markup, status: int) -> HTMLResponse:
        clinic = f"{self.clinic.name}, {self.clinic.phone}".rstrip(", ") if self.clinic else ""
        page = _PAGE.format(
            language=self.language, direction=self.words.direction, title=title, body=body, clinic=clinic, style=_STYLE
        )
        return HTMLResponse(page, status_code=status, headers=_HEADERS)

    def _moment(self, at: Any) -> str:
        zone = self.clinic.zone_info if self.clinic else ZoneInfo("UTC")
        local = at.astimezone(zone)
        day = format_date(local.date(), "full", locale=self.words.locale)
        return self.words.moment.format(day=day, time=format_time(local.time(), "short", locale=self.words.locale))
