"""A rebuilt state takes the running one's place while all goes on: nothing is lost, nothing happens twice."""

import asyncio
import signal
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest

from services.progress.domain import decide
from shared.clock import FileClock
from shared.database import open_engine
from shared.events.base import Fact
from shared.events.clinical import Reading
from shared.events.intake import AppointmentChangeRequested, MeasurementRecorded, PlanCreated
from shared.events.progress import Evidence, PlateauSuspected
from shared.flow import FLOW
from shared.messaging import outbox
from shared.messaging.message import Decision
from shared.rebuild.outcome import NotToBeSwapped, Rebuilt
from stride.demo.doors import Doors, Tokens
from stride.demo.driver import Meanwhile
from stride.demo.handing import Handing
from stride.demo.outcomes import PAIN, UNITS
from stride.demo.report.look import look_at_topics
from stride.demo.report.summary import report
from stride.demo.run import clock_of
from stride.embedded import Stack
from tests.journeys.rebuilds import Clinic, differing, rebuild
from tests.journeys.runs import SMALL, differences, live_through, undisturbed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(480)]

EVERY, SWAPS = 4, 12
"""A swap every so many waves of events, and so many in all: each service three times."""


async def test_swapped_in_the_midst_of_it_the_scenario_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    """Events are handed in before, during and after each swap; the ledger and an undisturbed run judge."""
    home, done = tmp_path / "swapped", list[Rebuilt]()

    def meanwhile(stack: Stack) -> Meanwhile:
        waves = count(1)

        async def swap_now_and_then() -> None:
            if next(waves) % EVERY == 0 and len(done) < SWAPS:
                service = sorted(FLOW)[len(done) % len(FLOW)]
                done.append(await rebuild(stack.addresses, home, service, swap=True))

        def in_a_wave(moment: datetime, in_flight: int) -> Coroutine[object, object, None]:
            return swap_now_and_then()

        return in_a_wave

    swapped = await live_through(home, SMALL, meanwhile)
    expected = await undisturbed(SMALL, tmp_path / "undisturbed")
    assert len(done) == SWAPS
    assert [differing(rebuilt) for rebuilt in done] == [[]] * SWAPS
    assert swapped.report.broken == {}
    assert differences(swapped.facts(), expected.facts()) == {}
    assert differences(swapped.rows, expected.rows) == {}


async def test_under_steady_traffic_a_swap_loses_nothing_and_does_nothing_twice(clinic: Clinic) -> None:
    """Every service is swapped while events come in as fast as intake answers; each leaves its one effect."""
    tokens = Tokens.read(clinic.addresses.tokens.with_name("tokens.txt"))
    stop, progress, swapped = asyncio.Event(), [0], list[Rebuilt]()
    async with Doors.open(clinic.addresses.services["intake"], clinic.addresses.kafka_bootstrap, tokens) as doors:
        traffic = asyncio.create_task(hand_in_until(stop, doors, await events(clinic)))
        for service in ("progress", "notifications", "scheduling", "intake", "console"):
            swapped.append(await clinic.rebuild(service, swap=True))
            progress.append(len(doors.ledger.entries))
        stop.set()
        await traffic
    assert min(later - earlier for earlier, later in pairwise(progress)) > 10
    assert doors.ledger.count()["accepted"] == len(doors.ledger.entries)
    await clinic.drained()
    judged = await report(SMALL.enrol(), doors.ledger, clinic.addresses, seconds=0)
    assert judged.broken == {}
    assert judged.facts.records == len(judged.facts.seen), "a fact was published twice"
    assert [differing(rebuilt) for rebuilt in swapped] == [[]] * len(FLOW)
    assert [differing(await clinic.rebuild(service)) for service in sorted(FLOW)] == [[]] * len(FLOW)


async def events(clinic: Clinic) -> Iterator[Fact]:
    """Readings without end, and among them a move of each appointment that is still ahead."""
    now = FileClock(clock_of(clinic.home)).now()
    courses = await clinic.query("SELECT clinic_id, patient_id FROM progress.plan WHERE ended_at IS NULL ORDER BY 1, 2")
    ahead = await clinic.query(
        "SELECT clinic_id, patient_id, id FROM scheduling.appointment WHERE status = 'booked' "
        f"AND start_at > '{now + timedelta(days=2)}' ORDER BY start_at"
    )
    assert len(courses) > 2
    assert len(ahead) > 10
    return _mixed(now, courses, ahead)


def _mixed(now: datetime, courses: Sequence[Any], ahead: Iterable[Any]) -> Iterator[Fact]:
    moves = iter(ahead)
    for number in count():
        name, at = f"steady-{number}", now - timedelta(minutes=1)
        who = {key: courses[number % len(courses)][key] for key in ("clinic_id", "patient_id")}
        reading = Reading(measurement_id=name, measure=PAIN, value=5, unit=UNITS[PAIN], effective_at=at)
        yield MeasurementRecorded.model_validate({**who, "reading": reading})
        if number % 20 == 0 and (appointment := next(moves, None)):
            yield AppointmentChangeRequested(
                clinic_id=appointment["clinic_id"],
                patient_id=appointment["patient_id"],
                request_id=name,
                appointment_id=appointment["id"],
                change="move",
                requested_at=now,
            )


async def hand_in_until(stop: asyncio.Event, doors: Doors, facts: Iterator[Fact]) -> None:
    """Several at once, each as soon as the one before it is answered."""

    async def one_line() -> None:
        while not stop.is_set():
            await doors.hand_in(Handing((next(facts),), datetime(2026, 2, 1, tzinfo=UTC)))

    async with asyncio.TaskGroup() as lines:
        for _ in range(4):
            lines.create_task(one_line())


async def test_what_has_not_left_and_what_was_seen_goes_over_with_a_swap(clinic: Clinic) -> None:
    """The service is held still, so that a fact certainly waits in its outbox."""
    (plan,) = await clinic.query("SELECT clinic_id, patient_id, plan_id FROM progress.plan ORDER BY 1, 2, 3 LIMIT 1")
    waiting = PlateauSuspected(**plan, measure=PAIN, review=98, evidence=Evidence(rule_version=1))
    await clinic.stack.kill("progress", signal.SIGSTOP)
    try:
        await put_into_outbox(clinic, waiting)
        await clinic.query("INSERT INTO progress.inbox (source, event_id) VALUES ('somebody', 'seen-before')")
        before = await clinic.query(*KEPT)
        assert (await clinic.rebuild("progress", swap=True)).old_schema
        assert await clinic.query(*KEPT) == before
    finally:
        await clinic.stack.kill("progress", signal.SIGCONT)
    await clinic.drained()
    facts = await look_at_topics(clinic.addresses.kafka_bootstrap)
    assert [one.event_id for one in facts.seen_of(PlateauSuspected)].count(waiting.event_id) == 1
    assert facts.records == len(facts.seen)


KEPT = (
    "SELECT source, event_id FROM progress.inbox ORDER BY 1, 2",
    "SELECT topic, partition, next_offset FROM progress.applied_offset ORDER BY 1, 2",
    "SELECT id FROM progress.outbox ORDER BY position",
)


async def put_into_outbox(clinic: Clinic, fact: Fact) -> None:
    engine = open_engine(clinic.addresses.database_url, "progress")
    async with engine.begin() as tx:
        await outbox.append(tx, [outbox.outgoing(fact, None, "progress", datetime(2026, 2, 1, tzinfo=UTC))])
    await engine.dispose()


async def test_facts_that_a_changed_rule_brings_leave_only_where_that_is_asked_for(clinic: Clinic) -> None:
    """Last of all: from here on the log has facts that today's rules don't give."""
    published = await clinic.published()
    changed = {PlanCreated: open_course_with_a_plateau}
    compared = await clinic.rebuild("progress", handlers=changed)
    plans = len(await clinic.query("SELECT 1 FROM progress.plan"))
    assert (compared.facts["new"], compared.facts["missing"], compared.facts["changed"]) == (plans, 0, 0)
    with pytest.raises(NotToBeSwapped, match=f"{plans} facts"):
        await clinic.rebuild("progress", handlers=changed, swap=True)
    assert await clinic.published() == published
    await clinic.rebuild("progress", handlers=changed, swap=True, publish_new=True)
    await clinic.drained()
    facts = await look_at_topics(clinic.addresses.kafka_bootstrap)
    assert sum(fact.review == 99 for fact in facts.of(PlateauSuspected)) == plans
    again = await clinic.rebuild("progress")
    assert (differing(again), again.facts["new"], again.facts["missing"]) == ([], 0, plans)


def open_course_with_a_plateau(patient: Any, fact: PlanCreated, now: datetime) -> Decision[Any]:
    """As if a new rule suspected a plateau in every course, and noted that it said so."""
    decision = decide.open_course(patient, fact, now)
    who = {"clinic_id": fact.clinic_id, "patient_id": fact.patient_id, "plan_id": fact.plan_id}
    plateau = PlateauSuspected.model_validate(
        {**who, "measure": PAIN, "review": 99, "evidence": Evidence(rule_version=1)}
    )
    return replace(decision, facts=(*decision.facts, plateau))
