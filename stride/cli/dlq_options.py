"""The options by which `stride dlq` selects."""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from shared.clock import SystemClock
from shared.flow import FLOW
from shared.messaging.masking import printable
from shared.messaging.stranded import Kind, Selection, parse_id

_AGE = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class KindWord(StrEnum):
    """What `--kind` takes."""

    PARKED = "parked"
    LETTERS = "letters"


ServiceOption = Annotated[str, typer.Option("--service", metavar="S", help=f"Of one service: {', '.join(FLOW)}.")]
TopicOption = Annotated[str, typer.Option("--topic", metavar="T", help="From this topic; `plan.*` for several.")]
KeyOption = Annotated[
    str, typer.Option("--key", metavar="K", help="Of this CLINIC/PATIENT; `riverside/*` for several.")
]
TypeOption = Annotated[
    str, typer.Option("--type", metavar="TYPE", help="Of this event type; `clinic.plan.*` for several.")
]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Whose reason has this text.")]
SinceOption = Annotated[
    str,
    typer.Option(
        "--since", metavar="AGE|TIME", help="Stranded since then: 90s, 15m, 2h, 3d or 2026-03-02T09:00 (UTC)."
    ),
]
KindOption = Annotated[KindWord | None, typer.Option("--kind", help="Only parked keys, or only dead letters.")]


def selection(
    *,
    ids: list[str],
    kind: KindWord | None,
    service: str,
    topic: str,
    key: str,
    event_type: str,
    reason: str,
    since: str,
) -> Selection:
    """What the options mean.

    Raises:
        typer.BadParameter: no such service, or no time.
        NoSuchId: a word is no id.
    """
    for named in [*(parse_id(word).service for word in ids), *([service] if service else [])]:
        known_service(named)
    kinds: dict[KindWord | None, Kind | None] = {None: None, KindWord.PARKED: "parked", KindWord.LETTERS: "letter"}
    return Selection(
        ids=frozenset(ids),
        kind=kinds[kind],
        service=service,
        topic=topic,
        key=key,
        event_type=event_type,
        reason=reason,
        since=moment(since, SystemClock().now()) if since else None,
    )


def known_service(name: str) -> None:
    """Refuses a service that there is not.

    Raises:
        typer.BadParameter: `shared/flow.py` does not have it.
    """
    if name not in FLOW:
        raise typer.BadParameter(f"There is no service {printable(name)!r}: {', '.join(FLOW)}.")


def moment(word: str, now: datetime) -> datetime:
    """The time that an age (`15m`) or a time names; without an offset it is UTC.

    Raises:
        typer.BadParameter: it is neither.
    """
    age = _AGE.fullmatch(word)
    if age:
        return now - timedelta(**{_UNITS[age[2]]: int(age[1])})
    try:
        time = datetime.fromisoformat(word)
    except ValueError:
        raise typer.BadParameter(
            f"--since takes an age (90s, 15m, 2h, 3d) or a time (2026-03-02T09:00), not {word!r}."
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
