"""Demo runs for tests: a stack of its own, the scenario lived through, and what can be compared."""

import asyncio
import importlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import asyncpg

from shared.flow import FLOW
from shared.rebuild.comparison import rows_of
from shared.rebuild.read_back import ReadBack
from stride.cli.stack import stack_settings
from stride.demo.driver import Meanwhile
from stride.demo.report.summary import Report
from stride.demo.run import Scenario, prepare_clock, run_scenario
from stride.demo.watch import Seen
from stride.embedded import External, Stack

SMALL = Scenario(patients=8, days=28, seed=4)


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
    """Every row of every service's own tables, without what depends on the machine's time or on how often it tried.

    What that is each service says for its rebuild: a run repeated and a state rebuilt are compared alike.
    """
    connection = await asyncpg.connect(database_url)
    try:
        await _counted(connection)
        return {
            f"{service}.{table}": sorted(json.dumps(row, sort_keys=True) for row in rows)
            for service in sorted(FLOW)
            for table, rows in (await rows_of(connection, service, read_back_of(service).tables)).items()
        }
    finally:
        await connection.close()


async def _counted(connection: asyncpg.Connection) -> None:
    """The console counts weekly figures in its own time, and what is still to be counted would be left out."""
    async with asyncio.timeout(60):
        while await connection.fetchval("SELECT count(*) FROM console.recount"):
            await asyncio.sleep(0.1)


def read_back_of(service: str) -> ReadBack:
    """What the service says about being rebuilt."""
    found: ReadBack = importlib.import_module(f"services.{service}.read_back").READ_BACK
    return found


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
