"""`stride dlq`: what could not be applied or read, and taking it up again."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from shared.clock import SystemClock
from shared.messaging.allowance import Allowance
from shared.messaging.mending import Change, mend_with
from shared.messaging.stranded import Selection, Stranded, find_stranded, parse_id
from shared.messaging.stranded_json import as_json, record_as_json
from shared.messaging.stranded_records import StrandedRecord, records_of
from stride.cli.dlq_options import (
    KeyOption,
    KindOption,
    ReasonOption,
    ServiceOption,
    SinceOption,
    TopicOption,
    TypeOption,
    known_service,
    selection,
)
from stride.cli.dlq_replay import run_replay
from stride.cli.dlq_stack import reach
from stride.cli.dlq_views import show_list, show_one
from stride.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from stride.cli.output import Output

_Id = Annotated[str, typer.Argument(metavar="ID", help="As `stride dlq list` shows it.")]
_Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="As `stride dlq list` shows them.")]
_Reveal = Annotated[
    bool, typer.Option("--reveal", help="Show headers and values as they are: this may show PERSONAL DATA.")
]
_Events = Annotated[int, typer.Option("--events", min=1, metavar="N", help="How many of a key's events to show.")]
_DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Decide on everything, tell what would happen, change nothing.")
]
_Max = Annotated[int | None, typer.Option("--max", min=1, metavar="N", help="Take up at most N events and letters.")]
_Rate = Annotated[
    float | None, typer.Option("--rate", min=0.01, metavar="N", help="Take up at most N events and letters a second.")
]
_Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="/PATH=JSON", help="Set a field, as /contact/language='\"en\"'. May be repeated."),
]
_Remove = Annotated[
    list[str] | None, typer.Option("--remove", metavar="/PATH", help="Take a field away. May be repeated.")
]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask before everything is replayed.")]
_Token = Annotated[
    str,
    typer.Option(
        "--token",
        help="For what came by clinic.inbound, whose token is not kept: that of its sender. "
        "It says whose patients it is about, so select what one sender sent.",
    ),
]

dlq = typer.Typer(
    name="dlq",
    help="Shows what is parked and what became a dead letter, and replays it once its cause is mended.",
    no_args_is_help=True,
    add_completion=False,
)


@dlq.command("list")
def list_stranded(
    *,
    service: ServiceOption = "",
    topic: TopicOption = "",
    key: KeyOption = "",
    event_type: TypeOption = "",
    reason: ReasonOption = "",
    since: SinceOption = "",
    kind: KindOption = None,
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> None:
    """Lists parked keys and dead letters, longest waiting first.

    A parked key is a patient whose event a service could not apply; its later events wait behind it.
    Filters look at the first event, which holds up the rest. A dead letter is a record that could
    not be read.
    """
    output = Output(as_json=json)
    wanted = selection(
        ids=[], kind=kind, service=service, topic=topic, key=key, event_type=event_type, reason=reason, since=since
    )
    found, unseen = asyncio.run(_find(home, wanted))
    show_list(output.human, found, SystemClock().now())
    if unseen and not service:
        output.human.print(f"This database login does not see: {', '.join(unseen)}.", soft_wrap=True)
    if json:
        output.result({"count": len(found), "stranded": [as_json(one) for one in found], "not_seen": unseen})


@dlq.command("show")
def show_stranded(
    word: _Id,
    *,
    reveal: _Reveal = False,
    events: _Events = 20,
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> None:
    """Shows all about one: headers, reason, sizes, positions, and of values the fields and types."""
    output = Output(as_json=json)
    one, records = asyncio.run(_records(home, word, bare=reveal, most=events))
    show_one(output.human, one, records, bare=reveal)
    if json:
        output.result(as_json(one) | {"revealed": reveal, "records": [record_as_json(record) for record in records]})


@dlq.command("replay")
def replay_stranded(
    ids: _Ids = None,
    *,
    service: ServiceOption = "",
    topic: TopicOption = "",
    key: KeyOption = "",
    event_type: TypeOption = "",
    reason: ReasonOption = "",
    since: SinceOption = "",
    kind: KindOption = None,
    dry_run: _DryRun = False,
    most: _Max = None,
    rate: _Rate = None,
    yes: _Yes = False,
    token: _Token = "",
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> int:
    """Takes up again what is stranded: parked events in order through their service's door, letters into their topic.

    Doing it twice has one effect. What fails again stays, with its reason, and the exit code is 1.
    """
    wanted = selection(
        ids=ids or [], kind=kind, service=service, topic=topic, key=key, event_type=event_type, reason=reason,
        since=since,
    )  # fmt: skip
    allowance = Allowance(most=most, per_second=rate)
    return run_replay(Output(as_json=json), home, wanted, allowance=allowance, dry_run=dry_run, yes=yes, token=token)


@dlq.command("mend")
def mend_letter(
    word: _Id,
    *,
    changed: _Set = None,
    removed: _Remove = None,
    dry_run: _DryRun = False,
    token: _Token = "",
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> int:
    """Puts a dead letter back with fields of its JSON set or taken away, if its service can read it then.

    Other fields stay as they are, and are not shown.
    """
    pairs = [pair.partition("=") for pair in changed or []]
    changes = [Change(pointer, value) for pointer, _, value in pairs] + [Change(pointer) for pointer in removed or []]
    wanted = Selection(ids=frozenset({word}), kind="letter", service=parse_id(word).service)
    output, mend = Output(as_json=json), mend_with(changes)
    return run_replay(output, home, wanted, allowance=Allowance(), dry_run=dry_run, yes=True, token=token, mend=mend)


async def _find(home: Path, wanted: Selection) -> tuple[list[Stranded], list[str]]:
    async with reach(home, wanted.service) as stack:
        return await find_stranded(stack.engines, stack.settings.kafka_bootstrap, wanted), stack.unseen


async def _records(home: Path, word: str, *, bare: bool, most: int) -> tuple[Stranded, list[StrandedRecord]]:
    named = parse_id(word)
    known_service(named.service)
    async with reach(home, named.service) as stack:
        return await records_of(named, stack.engines, stack.settings.kafka_bootstrap, bare=bare, most=most)
