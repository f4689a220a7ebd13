"""Who asks: the clinic and the role come from the token, never from the request."""

from collections.abc import Callable

from fastapi import Request

from shared.tokens import Bearer, Tokens

WhoAsks = Callable[[Request], Bearer]
"""Raises NotAuthenticated or NotAllowed."""


def who_asks(tokens: Tokens) -> WhoAsks:
    """The bearer of a request, of any role that appointments are for."""

    def bearer(request: Request) -> Bearer:
        header = request.headers.get("authorization", "")
        return tokens.bearer(header, "clinician", "front-desk", "clinic-system")

    return bearer
