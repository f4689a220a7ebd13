"""Who asks: the clinic and the role come from the token, never from the request."""

from typing import Annotated, Final

from fastapi import Header, HTTPException

from shared.tokens import Bearer, NotAllowed, NotAuthenticated, Role, Tokens

Authorization = Annotated[str, Header()]
STAFF: Final[tuple[Role, ...]] = ("clinician", "front-desk", "operator")


def bearer_of(tokens: Tokens, authorization: str, *roles: Role) -> Bearer:
    """The bearer of the token.

    Raises:
        HTTPException: 401 without a valid token, 403 where its role is none of `roles`.
    """
    try:
        return tokens.bearer(authorization, *roles)
    except NotAuthenticated:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from None
    except NotAllowed:
        raise HTTPException(403) from None
