"""Callers at once go through the door together, and each hears what became of its own."""

import asyncio

from sqlalchemy import text

from shared.messaging.door import Door
from shared.messaging.gathering import Gathering
from tests.messaging.counting import tally
from tests.messaging.test_door import door, ended

__all__ = ["door"]


async def test_callers_at_once_share_a_transaction(door: Door, clinic_id: str) -> None:
    gathering = Gathering(door)
    messages = [ended(f"p{number}", clinic_id, kafka=False) for number in range(50)]
    outcomes = await asyncio.gather(*(gathering.admit([message]) for message in messages))
    assert [outcome.state for (outcome,) in outcomes] == ["applied"] * 50
    assert len(await tally(door.engine)) == 50
    async with door.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(DISTINCT received_at) FROM inbox")) == 1


async def test_each_hears_what_became_of_its_own(door: Door, clinic_id: str) -> None:
    gathering = Gathering(door)
    reasons = ["completed", "deceased", "transferred", "completed"]
    messages = [ended(f"p{number}", clinic_id, reason, kafka=False) for number, reason in enumerate(reasons)]
    answers = await asyncio.gather(*(gathering.admit([message]) for message in messages), return_exceptions=True)
    told = [type(answer) if isinstance(answer, BaseException) else answer[0].state for answer in answers]
    assert told == ["applied", "refused", ZeroDivisionError, "applied"]
    assert set(await tally(door.engine)) == {messages[0].key, messages[3].key}


async def test_the_same_refused_event_from_two_callers_is_refused_twice(door: Door, clinic_id: str) -> None:
    gathering = Gathering(door)
    message = ended("p", clinic_id, "deceased", kafka=False)
    outcomes = await asyncio.gather(*(gathering.admit([message]) for _ in range(2)))
    assert [outcome.state for (outcome,) in outcomes] == ["refused", "refused"]


async def test_a_crowd_is_answered_to_the_last_by_several_transactions_at_once(door: Door, clinic_id: str) -> None:
    gathering = Gathering(door)

    async def caller(number: int) -> str:
        await asyncio.sleep(number % 7 / 1000)
        messages = [ended(f"p{number}-{count}", clinic_id, kafka=False) for count in range(30)]
        return {outcome.state for outcome in await gathering.admit(messages)}.pop()

    async with asyncio.timeout(30):
        assert [await answer for answer in asyncio.as_completed(map(caller, range(60)))] == ["applied"] * 60
    assert len(await tally(door.engine)) == 1_800
    last = await gathering.admit([ended("late", clinic_id, kafka=False)])
    assert [outcome.state for outcome in last] == ["applied"]
