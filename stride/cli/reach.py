"""Where a home's stack answers, and with which tokens."""

from pathlib import Path

from stride.cli import exits
from stride.embedded.addresses import Addresses

_COLUMNS = 4


class NoWay(Exception):
    """There is no address or token to ask with, or no answer."""

    exit_code = exits.CONFIGURATION


def url_of(home: Path, service: str) -> str:
    """Where the stack of this home has the service.

    Raises:
        NoWay: it has none, or never ran.
    """
    addresses = Addresses.load(home)
    if addresses is None or service not in addresses.services:
        raise NoWay(f"{home} has no stack that says where {service} is: give --url, or run `stride up`.")
    return addresses.services[service]


def tokens_of(home: Path, role: str, clinic: str) -> list[str]:
    """The tokens of a role: of one clinic, or of each in turn.

    Raises:
        NoWay: there is none.
    """
    path = home / "secrets" / "tokens.txt"
    try:
        granted = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    except OSError:
        raise NoWay(f"No token: give --token, set STRIDE_TOKEN, or let `stride init` make {path}.") from None
    tokens = [grant[3] for grant in granted if len(grant) == _COLUMNS and grant[2] == role and clinic in {"", grant[0]}]
    if not tokens:
        raise NoWay(f"{path} has no token of a {role} for the clinic {clinic or '(any)'}.")
    return tokens
