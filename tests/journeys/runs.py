"""Demo runs for tests: a stack of its own, the scenario lived through, and what can be compared."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from shared.flow import FLOW
from stride.cli.stack import stack_settings
from stride.demo.driver import Meanwhile
from stride.demo.report.summary import Report
from stride.demo.run import Scenario, prepare_clock, run_scenario
from stride.demo.watch import Seen
from stride.embedded import External, Stack

SMALL = Scenario(patients=8, days=28, seed=4)

WALL_CLOCK = {
    "received_at", "created_at", "parked_at", "claimed_at", "handed_over_at", "position", "owner", "attempt",
    "deferrals", "revision", "claimed_revision",
}  # fmt: skip
"""Columns that tell of the machine's time, or of how often something was tried."""

RUNTIME = {
    *(f"{service}.{table}" for service in FLOW for table in ("inbox", "applied_offset", "outbox", "parked")),
    *(f"{service}.alembic_version" for service in FLOW),
    "progress.patient",
}
"""Tables of the runtime's own, and versions of rows: they tell how often something was written."""


class Quiet:
    """An audience that looks away."""

    def day(self, moment: datetime) -> None:
        pass

    def saw(self, facts: Sequence[Seen]) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: its report and every row of the services' own tables."""

    report: Report
    rows: Mapping[str, list[str]]

    def facts(self) -> dict[str, list[str]]:
        """Per topic, the facts in canonical order, each with its id, time and content."""
        found: dict[str, list[str]] = defaultdict(list)
        for one in self.report.facts.seen:
            found[one.fact.NAME].append(f"{one.event_id} {one.time.isoformat()} {one.fact.model_dump_json()}")
        return {topic: sorted(lines) for topic, lines in found.items()}


async def live_through(home: Path, scenario: Scenario, break_things: Callable[[Stack], Meanwhile] | None = None) -> Run:
    """Run the scenario on a stack of its own, under faults if `break_things` says so."""
    environment = {**prepare_clock(home), "STRIDE_SEND_LEASE_SECONDS": "6"}
    settings = replace(stack_settings(external=External()), durable=False, environment=environment)
    async with Stack(home, settings) as stack:
        meanwhile = break_things(stack) if break_things else None
        report = await run_scenario(scenario, home, stack.addresses, Quiet(), meanwhile)
        return Run(report, await all_rows(stack.addresses.database_url))


async def all_rows(database_url: str) -> dict[str, list[str]]:
    """Every row of every service's own tables, without what depends on the machine's time."""
    connection = await asyncpg.connect(database_url)
    try:
        named = await connection.fetch(
            "SELECT id, clinic_id || '/' || kind || '/' || external_id FROM scheduling.resource"
        )
        tables = await connection.fetch(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema = ANY($1)", list(FLOW)
        )
        return {
            f"{schema}.{table}": sorted(
                _canonical(row, dict(map(tuple, named)))
                for row in await connection.fetch(f'SELECT * FROM {schema}."{table}"')
            )
            for schema, table in sorted(map(tuple, tables))
            if f"{schema}.{table}" not in RUNTIME
        }
    finally:
        await connection.close()


def _canonical(row: Any, resources: Mapping[int, str]) -> str:
    """A number that only a sequence gave, in which a rolled-back transaction leaves a gap, is no content."""
    kept = {name: value for name, value in row.items() if name not in WALL_CLOCK}
    if isinstance(kept.get("id"), int):
        del kept["id"]
    for column in ("resource", "practitioner", "room"):
        if isinstance(kept.get(column), int):
            kept[column] = resources[kept[column]]
    return json.dumps(kept, default=str, sort_keys=True)


def differences(one: Mapping[str, list[str]], other: Mapping[str, list[str]]) -> dict[str, tuple[list[str], list[str]]]:
    """Per topic or table, what only one of two runs has; the first three lines of each."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for name in sorted(one.keys() | other.keys()):
        mine, theirs = set(one.get(name, [])), set(other.get(name, []))
        if mine != theirs:
            found[name] = (sorted(mine - theirs)[:3], sorted(theirs - mine)[:3])
    return found


_UNDISTURBED: dict[Scenario, Run] = {}


async def undisturbed(scenario: Scenario, home: Path) -> Run:
    """The scenario without faults; lived through once, whichever test asks first."""
    if scenario not in _UNDISTURBED:
        _UNDISTURBED[scenario] = await live_through(home, scenario)
    return _UNDISTURBED[scenario]
