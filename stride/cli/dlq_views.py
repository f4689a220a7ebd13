"""How `stride dlq` shows what is stranded, to people and to programs."""

import json
from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.messaging.stranded import Stranded
from shared.messaging.stranded_records import StrandedRecord

MOST_ROWS = 200
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def age(since: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that fits: `3 d`, `2 h`, `15 min`, `40 s`."""
    seconds = max(0, int((now - since).total_seconds()))
    for unit, name in _UNITS:
        if seconds >= unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"


def show_list(console: Console, found: Sequence[Stranded], now: datetime) -> None:
    """The tables of `stride dlq list`, one for each reason, with what to do next."""
    if not found:
        console.print("Nothing is parked and there are no dead letters that match.")
        return
    shown = found[:MOST_ROWS]
    widest = max(len(one.id) for one in shown)
    for reason in dict.fromkeys(one.reason for one in shown):
        same = [one for one in shown if one.reason == reason]
        console.print(Text.assemble((reason, "bold"), f" ({len(same)})"), soft_wrap=True)
        console.print(_table(same, widest, now), soft_wrap=True)
        console.print()
    if len(found) > MOST_ROWS:
        console.print(f"and {len(found) - MOST_ROWS} more: narrow them by filters, or take them with --json.")
    console.print(_summary(found), soft_wrap=True)


def _table(same: Sequence[Stranded], widest: int, now: datetime) -> Table:
    table = Table(box=None, pad_edge=False)
    # Never cut or folded: an id is there to be copied.
    table.add_column("ID", no_wrap=True, overflow="ignore", min_width=widest)
    table.add_column("Events", justify="right")
    table.add_column("Since", no_wrap=True, min_width=6)
    table.add_column("Type", overflow="fold")
    for one in same:
        table.add_row(*map(Text, (one.id, str(one.events), age(one.since, now), one.event_type)))
    return table


def _summary(found: Sequence[Stranded]) -> str:
    parked = [one for one in found if one.kind == "parked"]
    letters = len(found) - len(parked)
    waiting = sum(one.events for one in parked)
    return (
        f"{len(parked)} parked keys with {waiting} events, {letters} dead letters.\n"
        "`stride dlq show ID` tells all about one, `stride dlq replay --dry-run` what a replay would do."
    )


def show_one(console: Console, one: Stranded, records: Sequence[StrandedRecord], *, bare: bool) -> None:
    """All about one stranded thing."""
    _lines(
        console,
        [
            ("ID", one.id),
            ("Kind", "parked key" if one.kind == "parked" else "dead letter"),
            ("Service", one.service),
            ("Since", one.since.isoformat(timespec="seconds")),
            ("Events", str(one.events)),
            ("Bytes", str(one.size)),
            ("Reason", one.reason),
        ],
    )
    for number, record in enumerate(records, start=1):
        console.print(Text(f"\nEvent {number} of {one.events}", style="bold"))
        _show_record(console, record)
    if len(records) < one.events:
        console.print(f"\n{one.events - len(records)} more events wait behind: --events shows them.")
    if not bare:
        console.print("\nValues are masked; --reveal shows them, which may show personal data.", soft_wrap=True)


def _show_record(console: Console, record: StrandedRecord) -> None:
    place = record.position
    _lines(
        console,
        [
            ("From", f"{place.topic}, partition {place.partition}, offset {place.offset}"),
            ("Key", record.key),
            ("Type", record.event_type),
            ("Event id", record.event_id),
            ("Since", record.since.isoformat(timespec="seconds")),
            ("Bytes", str(record.size)),
            ("Reason", record.reason),
            *((f"  {name}", value) for name, value in record.headers),
        ],
    )
    console.print(Text(json.dumps(record.value, indent=2)), soft_wrap=True)


def _lines(console: Console, rows: Sequence[tuple[str, str]]) -> None:
    widest = max(len(name) for name, _ in rows)
    for name, value in rows:
        console.print(Text.assemble((name.ljust(widest + 2), "bold"), value), soft_wrap=True)
