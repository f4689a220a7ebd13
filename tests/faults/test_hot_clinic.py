"""Several scheduling processes book into one clinic at once: no overlap, no course in part, no deadlock."""

import asyncio
import os
from collections.abc import Mapping
from random import Random

import pytest

from benchmarks.scheduling.crowd import Crowd, Wrong, begin, finished
from shared.clock import wall_seconds
from shared.ids import random_id
from stride.embedded.servers import Servers
from tests.faults.conftest import SEED
from tests.faults.harness import Verdict

FEW, LONG = "hot-clinic-few", "hot-clinic"
_LONG_KILLS = 20


def _environment(servers: Servers) -> Mapping[str, str]:
    return {**os.environ, **servers.addresses.environment()}


async def _at_once(request: pytest.FixtureRequest, name: str, crowd: Crowd, kills: int) -> None:
    """All book; now and then one is killed, in the middle of its transactions, and begins its courses again."""
    began, verdict = wall_seconds(), Verdict(fault=name, seed=SEED, sent=crowd.processes * crowd.courses)
    request.node.user_properties.append(("verdict", verdict))
    await crowd.describe()
    chance, running = Random(SEED), await crowd.start()
    for process in running:
        begin(process)
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0.1, 0.6))
        victim = chance.randrange(crowd.processes)
        if running[victim].returncode is None:
            running[victim].kill()
            verdict.kills += 1
        await running[victim].wait()
        running[victim] = await crowd.start_one(victim)
        begin(running[victim])
    # Whoever hears of a deadlock or a conflict ends with an error.
    await asyncio.gather(*map(finished, running))
    wrong = await crowd.wrong()
    verdict.lost, verdict.duplicated = wrong.missing + wrong.partial, wrong.overlaps
    verdict.seconds = round(wall_seconds() - began, 1)
    assert wrong == Wrong()


@pytest.mark.fault(FEW)
@pytest.mark.timeout(120)
async def test_processes_book_one_clinic_at_once_and_one_dies(
    request: pytest.FixtureRequest, servers: Servers, database_url: str
) -> None:
    """A fast selection of the long one."""
    crowd = Crowd(database_url, _environment(servers), f"few-{random_id()[:8]}", processes=2, writers=2, courses=3)
    await _at_once(request, FEW, crowd, 1)


@pytest.mark.slow_fault
@pytest.mark.fault(LONG)
@pytest.mark.timeout(600)
async def test_sixteen_writers_book_one_clinic_at_once_and_processes_die(
    request: pytest.FixtureRequest, servers: Servers, database_url: str
) -> None:
    crowd = Crowd(database_url, _environment(servers), f"hot-{random_id()[:8]}", courses=20)
    await _at_once(request, LONG, crowd, _LONG_KILLS)


@pytest.mark.fault("hot-clinic-unlocked")
@pytest.mark.timeout(120)
async def test_writers_that_skip_the_locks_are_refused_by_the_constraint(
    request: pytest.FixtureRequest, servers: Servers, database_url: str
) -> None:
    """They plan on what they have read, insert, and begin anew where the database refuses: it is the backstop."""
    clinic = f"bare-{random_id()[:8]}"
    crowd = Crowd(database_url, _environment(servers), clinic, "retry", processes=2, writers=2, courses=3)
    took, told = await crowd.book()
    verdict = Verdict(fault="hot-clinic-unlocked", seed=SEED, sent=6, seconds=round(took, 1))
    request.node.user_properties.append(("verdict", verdict))
    # Had nobody been refused, this would show nothing.
    assert sum(each["retries"] for each in told) > 0
    assert await crowd.wrong() == Wrong()
