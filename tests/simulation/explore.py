"""Runs of many seeds, and of one scenario crashed at each of its awaits in turn."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from tests.simulation.judge import faults
from tests.simulation.scenario import Scenario, drawn
from tests.simulation.world import World, run


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run; `faults` is empty when every promise was kept."""

    scenario: Scenario
    faults: tuple[str, ...]
    steps: int
    member_steps: int
    digest: int
    trace: tuple[tuple[float, str, str], ...]


def simulate(scenario: Scenario) -> Run:
    """Run a scenario and judge it. The same scenario gives the same run, step by step."""
    world = run(scenario)
    return _judged(world)


def seeds(first: int, count: int) -> Iterator[Run]:
    """The runs of `count` seeds."""
    for seed in range(first, first + count):
        yield simulate(drawn(seed))


def crashed_once(scenario: Scenario, every: int = 1) -> Iterator[Run]:
    """The scenario with a crash at each step of a member that it has without (or at each `every`-th)."""
    for step in range(1, simulate(scenario).member_steps + 1, every):
        yield simulate(replace(scenario, crashes=frozenset({step})))


def crashed_twice(scenario: Scenario, every: int = 1) -> Iterator[Run]:
    """The scenario with two crashes, at each pair of such steps."""
    for pair in combinations(range(1, simulate(scenario).member_steps + 1, every), 2):
        yield simulate(replace(scenario, crashes=frozenset(pair)))


def report(run_: Run, lines: int = 40) -> str:
    """Why a run is bad: its seed, the end of its schedule, and how to see it again."""
    scenario = run_.scenario
    crashes = f" --crashes {','.join(map(str, sorted(scenario.crashes)))}" if "--small" in scenario.name else ""
    schedule = [f"  {at:10.4f}  {process:<12} {what}" for at, process, what in run_.trace[-lines:]]
    return "\n".join(
        [
            f"seed {scenario.seed} fails ({scenario.name}{crashes}):",
            *(f"  {fault}" for fault in run_.faults),
            f"the last {len(schedule)} steps of its schedule (seconds, process, step):",
            *schedule,
            f"again: python -m tests.simulation {scenario.name}{crashes}",
        ]
    )


def _judged(world: World) -> Run:
    return Run(
        world.scenario,
        tuple(faults(world)),
        world.loop.steps,
        world.member_steps,
        world.loop.digest,
        tuple(world.loop.trace),
    )
