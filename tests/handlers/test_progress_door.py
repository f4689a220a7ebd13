"""Progress through its real door on PostgreSQL."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.progress.domain.patient import Patient
from services.progress.domain.record import PatientRecord
from services.progress.domain.verdicts import judge
from services.progress.handlers import HANDLERS
from services.progress.store import RecordStore
from shared.clock import SystemClock
from shared.events import EVENTS
from shared.events.base import Fact
from shared.events.console import PlanAdjustmentDeclined
from shared.events.intake import AdverseEventRecorded, MeasurementVoided, PlanEnded, SessionVoided
from shared.events.progress import AdverseEventReported, MilestoneReached, MilestoneRetracted, PlanAdjustmentProposed
from shared.messaging.door import Door
from shared.messaging.message import Message
from shared.messaging.relay import Relay
from tests.domain.progress_story import PLAN, Story, adverse_event, apply, at, published_of

IMPROVING = [6, 6, 6, 2, 2, 2, 2, 2, 2]


def door_of(engine: AsyncEngine) -> Door:
    return Door("progress", HANDLERS, RecordStore(), engine, SystemClock(), Relay(engine, "127.0.0.1:9"))


@pytest.fixture
def door(progress_engine: AsyncEngine) -> Door:
    return door_of(progress_engine)


@pytest.fixture
def story(clinic_id: str) -> Story:
    return Story(clinic_id, "patient-1")


def everything(story: Story) -> list[Fact]:
    """A course in which everything that is stored occurs."""
    declined = {"proposal_id": "p-1", "plan_id": PLAN, "decided_by": "dr-1", "decided_at": at(30)}
    return [
        story.plan(),
        *story.course(IMPROVING),
        story.session(10, 9, adverse_events=[adverse_event("ae-1", 2, 27)]),
        story.corrected("m-4-0", 3, 9),
        story.fact(MeasurementVoided, measurement_id="m-2-0", voided_at=at(40)),
        story.fact(SessionVoided, session_id="s-10", voided_at=at(40)),
        story.fact(PlanAdjustmentDeclined, **declined),
        story.adjusted(2, 1, day=40),
        story.expected((10, 0.5), (20, 1.0), milestone="strength-20"),
        story.fact(PlanEnded, plan_id=PLAN, reason="completed", ended_at=at(50)),
    ]


async def admit(door: Door, facts: Sequence[Fact]) -> list[str]:
    outcomes = await door.admit([Message(fact.event_id, "test", fact) for fact in facts])
    return [outcome.state for outcome in outcomes]


async def published(door: Door, story: Story) -> list[Any]:
    """The facts of the story's patient in the outbox, in order."""
    async with door.engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT type, payload FROM outbox WHERE aggregateid = :key ORDER BY position"),
            {"key": story.patient.key.encode()},
        )
        return [EVENTS[row.type].model_validate_json(row.payload) for row in rows]


async def stored(door: Door, story: Story) -> PatientRecord:
    """The record as a process sees it that has nothing in memory."""
    async with door.engine.begin() as tx:
        patients = await RecordStore().load(tx, [story.plan()])
    return patients[story.patient.key].record


async def test_a_milestone_is_reached_and_taken_back_by_a_correction(door: Door, story: Story) -> None:
    assert await admit(door, [story.plan(), *story.course(IMPROVING[:6])]) == ["applied"] * 7
    reached = [fact.milestone for fact in published_of(MilestoneReached, await published(door, story))]
    assert reached == ["sessions-6", "pain-40"]
    assert await admit(door, [story.corrected("m-5-0", 8, 12)]) == ["applied"]
    (retracted,) = published_of(MilestoneRetracted, await published(door, story))
    assert (retracted.milestone, retracted.cause) == ("pain-40", "correction")


async def test_repeats_are_absorbed_within_a_batch_and_across_processes(
    door: Door, story: Story, progress_engine: AsyncEngine
) -> None:
    facts = [story.plan(), *story.course(IMPROVING)]
    await admit(door, [*facts, *facts])
    once = await published(door, story)
    assert len(published_of(PlanAdjustmentProposed, once)) == 1
    other = door_of(progress_engine)
    assert await admit(other, facts) == ["repeat"] * len(facts)
    again = [Message(f"again-{fact.event_id}", "another source", fact) for fact in facts]
    assert {outcome.state for outcome in await other.admit(again)} == {"applied"}
    assert await published(door, story) == once


async def test_an_adverse_event_is_reported_without_a_plan(door: Door, story: Story) -> None:
    event = story.fact(AdverseEventRecorded, adverse_event=adverse_event("ae-9", 4, 1))
    await admit(door, [event])
    (reported,) = await published(door, story)
    assert isinstance(reported, AdverseEventReported)
    assert (reported.grade, reported.plan_id) == (4, None)


async def test_what_is_stored_is_what_was_decided(door: Door, story: Story) -> None:
    expected, told = apply(story.patient, everything(story))
    for fact in everything(story):
        await admit(door, [fact])
    assert await stored(door, story) == expected.record
    assert await published(door, story) == told


async def test_one_batch_or_many_end_in_the_same_record(door: Door, story: Story) -> None:
    expected, _ = apply(story.patient, everything(story))
    await admit(door, list(reversed(everything(story))))
    record = await stored(door, story)
    assert record.readings == expected.record.readings
    assert judge(record) == judge(expected.record)


async def test_a_process_that_remembers_an_old_record_sees_what_another_has_written(
    door: Door, story: Story, progress_engine: AsyncEngine
) -> None:
    sessions = [story.session(number) for number in range(1, 7)]
    await admit(door, [story.plan(), *sessions[:2]])
    await admit(door_of(progress_engine), sessions[2:5])
    await admit(door, sessions[5:])
    assert [fact.milestone for fact in published_of(MilestoneReached, await published(door, story))] == ["sessions-6"]


async def test_a_change_that_was_rolled_back_is_not_remembered(door: Door, story: Story) -> None:
    sessions = [story.session(number) for number in range(1, 7)]
    await admit(door, [story.plan(), *sessions[:4]])
    with pytest.raises(ZeroDivisionError):
        await apply_and_fail(door, sessions[4])
    await admit(door, sessions[5:])
    assert published_of(MilestoneReached, await published(door, story)) == []
    await admit(door, sessions[4:5])
    assert len(published_of(MilestoneReached, await published(door, story))) == 1


async def apply_and_fail(door: Door, fact: Fact) -> None:
    async with door.work() as work:
        await door.apply(work, Message("e", "test", fact))
        raise ZeroDivisionError


async def test_two_processes_that_take_facts_of_one_patient_at_once_lose_none(
    door: Door, story: Story, progress_engine: AsyncEngine
) -> None:
    other = door_of(progress_engine)
    sessions = [story.session(number, 6) for number in range(1, 21)]
    await asyncio.gather(*(admit((door, other)[i % 2], [fact]) for i, fact in enumerate(sessions)))
    record = await stored(door, story)
    assert len(record.sessions) == 20
    assert record.published == apply(story.patient, sessions)[0].record.published


async def test_one_clinic_never_sees_the_other_whose_ids_are_the_same(door: Door, story: Story) -> None:
    neighbour = Story(f"{story.clinic_id}-next", story.patient_id)
    await admit(door, [story.plan(), *story.course(IMPROVING), neighbour.plan(), neighbour.session(1, 3)])
    record = await stored(door, neighbour)
    assert list(record.sessions) == ["s-1"]
    assert Patient(record).key.startswith(neighbour.clinic_id)
    assert published_of(MilestoneReached, await published(door, neighbour)) == []
