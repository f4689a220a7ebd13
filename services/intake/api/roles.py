"""Which role may hand in what."""

from starlette.requests import Request

from services.intake.api.problems import Mistake, Rejected
from shared.events.base import Fact
from shared.events.console import AlertActionRequested, DeskActionRequested, ProposalDecision
from shared.events.intake import RecoveryExpected
from shared.tokens import Bearer, NotAllowed, NotAuthenticated, Role, Tokens

_OF_PEOPLE = (ProposalDecision, AlertActionRequested, DeskActionRequested, RecoveryExpected)


def bearer_of(request: Request, tokens: Tokens, *roles: Role) -> Bearer:
    """Who asks.

    Raises:
        Rejected: 401 without a known token, 403 when its role is none of `roles`.
    """
    try:
        return tokens.bearer(request.headers.get("authorization", ""), *roles)
    except NotAuthenticated:
        mistake = Mistake("The Authorization header holds no token that was issued.", remedy="Send a Bearer token.")
        raise Rejected(401, "not-authenticated", mistake, headers={"WWW-Authenticate": "Bearer"}) from None
    except NotAllowed:
        raise Rejected(403, "not-allowed", Mistake(f"This takes a token of the role {' or '.join(roles)}.")) from None


def check_role(bearer: Bearer, fact: Fact) -> None:
    """What people decide, ask for and expect of a patient comes from a clinician, whatever the door.

    Raises:
        NotAllowed: a clinic system handed in one of these.
    """
    if isinstance(fact, _OF_PEOPLE) and bearer.role != "clinician":
        raise NotAllowed
