"""Whoever comes by a link in a mail and has to sign in first gets to where the link led."""

import re
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse

_COOKIE: Final = "stride_on_the_way"
_SECONDS: Final = 900
_ALERT: Final = re.compile(r"/inbox/[A-Za-z0-9-]{1,64}")
"""The pages that mails link to, and nothing else: a cookie can lead nobody out of here."""


def to_sign_in(request: Request) -> RedirectResponse:
    """Lead to the form, and note where from."""
    answer = RedirectResponse("/sign-in", 303)
    if request.method == "GET" and _ALERT.fullmatch(request.url.path):
        secure = request.url.scheme == "https"
        answer.set_cookie(_COOKIE, request.url.path, _SECONDS, httponly=True, samesite="lax", secure=secure, path="/")
    return answer


def onwards(request: Request) -> RedirectResponse:
    """Lead to the page that was wanted, or else to the first one."""
    wanted = request.cookies.get(_COOKIE, "")
    answer = RedirectResponse(wanted if _ALERT.fullmatch(wanted) else "/", 303)
    if wanted:
        answer.delete_cookie(_COOKIE, path="/")
    return answer
