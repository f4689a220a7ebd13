"""`stride dlq replay`: what it asks, how it shows its progress, and what it tells at the end."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from shared.messaging.allowance import Allowance
from shared.messaging.errors import Unavailable
from shared.messaging.groups import running_services
from shared.messaging.replay_run import Fate, Mend, as_it_came, replay
from shared.messaging.stranded import Selection, Stranded, find_stranded
from stride.cli import exits
from stride.cli.dlq_stack import Reach, reach
from stride.cli.output import Output

_MOST_IDS = 20
_TITLES = {"done": "replayed", "failed": "failed", "left": "not reached (--max)", "gone": "taken up meanwhile"}


class NotConfirmed(Exception):
    """Everything was meant, and nobody is there to be asked."""

    exit_code = exits.USAGE


class CutShort(Exception):
    """A server went away in the middle of a replay."""

    exit_code = exits.UNAVAILABLE


def run_replay(
    output: Output,
    home: Path,
    selection: Selection,
    *,
    allowance: Allowance,
    dry_run: bool,
    yes: bool,
    token: str,
    mend: Mend = as_it_came,
) -> int:
    """Select, ask, replay, tell; returns the exit code, 1 where something failed again."""
    # Before anything is read: a script that may not go on should learn it at once.
    if selection.everything and not (dry_run or yes) and not sys.stdin.isatty():
        raise NotConfirmed("This would replay everything that is stranded: say --yes, or select by IDs or filters.")
    how = _How(dry_run, token, mend)
    return asyncio.run(_replay(output, home, selection, allowance, how, yes=yes))


@dataclass(frozen=True, slots=True)
class _How:
    """`token` is the sender's, for letters of the inbound topic."""

    dry_run: bool
    token: str
    mend: Mend


async def _replay(
    output: Output, home: Path, selection: Selection, allowance: Allowance, how: _How, *, yes: bool
) -> int:
    async with reach(home, selection.service) as stack:
        bootstrap = stack.settings.kafka_bootstrap
        chosen = await find_stranded(stack.engines, bootstrap, selection)
        if chosen and selection.everything and not (how.dry_run or yes):
            _ask(chosen)
        missing = sorted(selection.ids - {one.id for one in chosen})
        fates = await _with_progress(output, stack, chosen, allowance, how)
        stopped = [] if how.dry_run else await _not_running(bootstrap, fates)
    _tell(output, fates, missing, stopped, dry_run=how.dry_run)
    if output.as_json:
        output.result(_as_json(fates, missing, stopped, dry_run=how.dry_run))
    return exits.FAILED if any(fate.state == "failed" for fate in fates) else exits.OK


async def _not_running(bootstrap: str, fates: Sequence[Fate]) -> list[str]:
    """Services that have something to do now, and don't read from Kafka."""
    touched = sorted({fate.stranded.service for fate in fates if fate.events})
    if not touched:
        return []
    try:
        running = await running_services(bootstrap, touched)
    except Unavailable:
        running = set[str]()  # Kafka is away: what was replayed is told all the same
    return [service for service in touched if service not in running]


def _ask(chosen: Sequence[Stranded]) -> None:
    events = sum(one.events for one in chosen)
    typer.confirm(f"Replay all {events} events and dead letters of {len(chosen)} ids?", abort=True, err=True)


async def _with_progress(
    output: Output, stack: Reach, chosen: Sequence[Stranded], allowance: Allowance, how: _How
) -> list[Fate]:
    desks, closed = stack.desks({one.service for one in chosen})
    stay = [Fate(one, "failed", 0, closed[one.service]) for one in chosen if one.service in closed]
    chosen = [one for one in chosen if one.service in desks]
    events = sum(one.events for one in chosen)
    total = events if allowance.most is None else min(events, allowance.most)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=output.human, disable=not output.human.is_terminal, transient=True) as progress:
        task = progress.add_task("Trying" if how.dry_run else "Replaying", total=total)
        allowance.told = lambda: progress.advance(task)
        try:
            return stay + await replay(
                chosen,
                desks,
                stack.settings.kafka_bootstrap,
                allowance=allowance,
                dry_run=how.dry_run,
                authorization=f"Bearer {how.token}" if how.token else "",
                mend=how.mend,
            )
        except Unavailable as error:
            raise CutShort(
                f"{error} {allowance.taken} events were taken up before; the rest waits. Replay again when "
                "the servers are back: what was taken up is not taken up twice."
            ) from None


def _tell(
    output: Output, fates: Sequence[Fate], missing: Sequence[str], stopped: Sequence[str], *, dry_run: bool
) -> None:
    say = output.human
    for word in missing:
        say.print(Text(f"{word} is not stranded (any more)."), soft_wrap=True)
    if not fates:
        say.print("Nothing to replay.")
        return
    if dry_run:
        say.print("Dry run: nothing was changed.")
    say.print(_table(fates, dry_run=dry_run))
    _tell_failures(output, [fate for fate in fates if fate.state == "failed"])
    for service in stopped:
        say.print(
            f"{service} is not running: it reads letters, and its outbox is published, when it is.", soft_wrap=True
        )


def _tell_failures(output: Output, failed: Sequence[Fate]) -> None:
    """By reason: a fault that is not mended yet fails for many alike."""
    for reason in dict.fromkeys(fate.reason for fate in failed):
        same = [fate for fate in failed if fate.reason == reason]
        output.human.print(Text(f"{reason} ({len(same)})", style="red"), soft_wrap=True)
        for fate in same[:_MOST_IDS]:
            before = f" (after {fate.events} of its events)" if fate.events else ""
            output.human.print(Text(f"  {fate.stranded.id}{before}"), soft_wrap=True)
        if len(same) > _MOST_IDS:
            output.human.print(f"  and {len(same) - _MOST_IDS} more: --json tells all.")


def _table(fates: Sequence[Fate], *, dry_run: bool) -> Table:
    table = Table("Result", "IDs", "Events", box=None, pad_edge=False)
    for state, title in _TITLES.items():
        those = [fate for fate in fates if fate.state == state]
        if those:
            shown = f"would be {title}" if dry_run and state == "done" else title
            table.add_row(shown, str(len(those)), str(sum(fate.events for fate in those)))
    return table


def _as_json(fates: Sequence[Fate], missing: Sequence[str], stopped: Sequence[str], *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "events": sum(fate.events for fate in fates if fate.stranded.kind == "parked"),
        "letters": sum(fate.events for fate in fates if fate.stranded.kind == "letter"),
        "failed": [_fate(fate) for fate in fates if fate.state == "failed"],
        "left": [fate.stranded.id for fate in fates if fate.state == "left"],
        "not_stranded": [*missing, *(fate.stranded.id for fate in fates if fate.state == "gone")],
        "not_running": list(stopped),
    }


def _fate(fate: Fate) -> dict[str, Any]:
    return {"id": fate.stranded.id, "reason": fate.reason, "events": fate.events}
