"""What every page works with: the database, who asks, and the templates."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from shared.clinics import Clinic, load_clinics
from shared.messaging.service import Running
from shared.protocols import Protocols, load_protocols
from shared.tokens import Bearer, Role, Tokens

COOKIE: Final = "stride_console"
"""Holds the token of who has signed in; scripts can't read it, and other sites can't send it."""

_TEMPLATES: Final = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Desk:
    """The connected parts of the edge."""

    running: Running
    tokens: Tokens
    clinics: Mapping[str, Clinic]
    protocols: Protocols
    templates: Environment

    @classmethod
    def open(cls, running: Running, tokens: Tokens) -> "Desk":
        """The desk over the clinics and protocols that the settings name."""
        settings = running.settings
        templates = Environment(
            loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        return cls(
            running,
            tokens,
            load_clinics(settings.stride_clinics),
            load_protocols(settings.stride_protocols, settings.stride_measures),
            templates,
        )

    def bearer(self, request: Request, *roles: Role) -> Bearer:
        """Who asks: by the `Authorization` header, or as signed in.

        Raises:
            NotAuthenticated: neither says so.
            NotAllowed: the role is none of `roles`.
        """
        given = request.headers.get("authorization") or f"Bearer {request.cookies.get(COOKIE, '')}"
        return self.tokens.bearer(given, *roles)

    def clinic_name(self, clinic_id: str) -> str:
        """The clinic as people call it."""
        clinic = self.clinics.get(clinic_id)
        return clinic.name if clinic else clinic_id

    def page(self, template: str, status: int = 200, **values: object) -> HTMLResponse:
        """A page; what `values` hold is escaped."""
        return HTMLResponse(self.templates.get_template(template).render(values), status)
