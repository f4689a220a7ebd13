"""Mail out: a page for people and a JSON list for programs.

Messages are hostile input. All of it is escaped; an HTML part is shown only inside a frame that
may run nothing, load nothing and reach nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from email.message import EmailMessage
from math import isfinite
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from stride.embedded.mailbox.store import Store, Summary, parse
from stride.embedded.ports import LOOPBACK

_PAGE = 200
_MOST = 100_000
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'"
_MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_TEMPLATES = Jinja2Templates(Path(__file__).with_name("templates"))


def application(store: Store, names: Sequence[str] = ()) -> Starlette:
    """The web side of the inbox; `names` are host names it has beside the loopback's."""
    inbox = Inbox(store)
    return Starlette(
        routes=[
            Route("/", inbox.page),
            Route("/messages/{number:int}", inbox.message_page),
            Route("/messages/{number:int}/html", inbox.html_part),
            Route("/api/messages", inbox.messages),
            Route("/api/messages/{number:int}/raw", inbox.raw),
            Route("/health/ready", inbox.ready),
        ],
        # Against a foreign page that has its own name point to the loopback address.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[LOOPBACK, "localhost", *names])],
    )


class Inbox:
    """The routes."""

    def __init__(self, store: Store) -> None:
        self._store: Store = store

    async def ready(self, _request: Request) -> Response:
        return PlainTextResponse("ready")

    async def messages(self, request: Request) -> Response:
        """All messages in the order they came, or those the query asks for."""
        found = await asyncio.to_thread(
            self._store.find,
            message_id=request.query_params.get("message_id"),
            since=_number(request, "since", 0),
            after=int(_number(request, "after", 0)),
            limit=int(_number(request, "limit", _MOST)),
        )
        return JSONResponse({"messages": [_as_json(summary) for summary in found]})

    async def raw(self, request: Request) -> Response:
        raw = await self._raw(request)
        # As an attachment: a browser must never take a message for a page of ours.
        headers = {
            "Content-Disposition": f'attachment; filename="{request.path_params["number"]}.eml"',
            "X-Content-Type-Options": "nosniff",
        }
        return Response(raw, media_type="message/rfc822", headers=headers)

    async def page(self, request: Request) -> Response:
        latest = await asyncio.to_thread(self._store.latest, _PAGE)
        return _page(request, "list.html", {"messages": latest, "most": _PAGE})

    async def message_page(self, request: Request) -> Response:
        message = parse(await self._raw(request))
        content = {
            "number": request.path_params["number"],
            "headers": _headers(message),
            "text": _part(message, "plain"),
            "has_html": _part(message, "html") is not None,
        }
        return _page(request, "message.html", content)

    async def html_part(self, request: Request) -> Response:
        html = _part(parse(await self._raw(request)), "html") or ""
        return HTMLResponse(html, headers={"Content-Security-Policy": _MAIL_POLICY})

    async def _raw(self, request: Request) -> bytes:
        raw = await asyncio.to_thread(self._store.raw, request.path_params["number"])
        if raw is None:
            raise HTTPException(404, "There is no message of that number.")
        return raw


def _page(request: Request, template: str, content: Mapping[str, object]) -> Response:
    headers = {"Content-Security-Policy": _PAGE_POLICY, "Referrer-Policy": "no-referrer"}
    return _TEMPLATES.TemplateResponse(request, template, dict(content), headers=headers)


def _as_json(summary: Summary) -> dict[str, object]:
    fields = asdict(summary)
    return {"from": fields.pop("sender"), "to": fields.pop("recipients"), **fields}


def _number(request: Request, name: str, otherwise: float) -> float:
    text = request.query_params.get(name, str(otherwise))
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number) or not 0 <= number < 2**53:
        raise HTTPException(400, f"The query's {name} must be a number of 0 or more.")
    return number


def _headers(message: EmailMessage) -> list[tuple[str, str]]:
    shown = ("From", "To", "Subject", "Date", "Message-ID")
    raw = {name.lower(): str(value) for name, value in message.raw_items()}
    return [(name, raw.get(name.lower(), "")) for name in shown]


def _part(message: EmailMessage, kind: str) -> str | None:
    """The first text part of the kind, as far as it can be read; None when there is none."""
    for part in message.walk():
        if part.get_content_type() == f"text/{kind}":
            payload = part.get_payload(decode=True)
            content = payload if isinstance(payload, bytes) else b""
            return _decode(content, part.get_content_charset("utf-8"))
    return None


def _decode(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset, "replace")
    except LookupError:
        return content.decode("utf-8", "replace")
