"""A replica that writes beside its consumer. LEDGER_WRITES says what, as JSON:

    {"patients": [...], "events": N, "hold": SECONDS}     into its own outbox
    {"patients": [...], "events": N, "first": NUMBER}     through its own door, as an HTTP edge does

For each patient, N effects in order. Into the outbox: each in a transaction of its own that is held
open for up to SECONDS after its row has got its position. Through the door: numbered from NUMBER. A
successor goes on where the last commit was.
"""

import asyncio
import json
import os
import random
from collections.abc import Awaitable, Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging import outbox
from shared.messaging.errors import Unavailable
from shared.messaging.message import Message
from shared.messaging.service import Running
from shared.messaging.transactions import begin
from tests.faults.harness.service import Facts, Kept, Sent
from tests.faults.harness.writer import CLINIC

_ALONE = text("SELECT pg_advisory_xact_lock(hashtext(:key))")
_WRITTEN = text("SELECT count(*) FROM effect WHERE key = :key")
_WRITE = text("INSERT INTO effect (key, number, nth) VALUES (:key, :number, :number + 1)")


def background(facts: Facts) -> Callable[[Running], Awaitable[None]]:
    """What the service runs beside its consumer."""
    asked = json.loads(os.environ["LEDGER_WRITES"])
    events: int = asked["events"]

    async def write_all(running: Running) -> None:
        for_each = [
            _write(running, facts.kept, patient, events, asked["hold"])
            if "hold" in asked
            else _hand_in(running, facts.sent, patient, range(asked["first"], asked["first"] + events))
            for patient in asked["patients"]
        ]
        await asyncio.gather(*for_each)
        await asyncio.Event().wait()

    return write_all


async def _write(running: Running, kept: type[Kept], patient: str, events: int, hold: float) -> None:
    draws = random.Random(patient)
    key = f"{CLINIC}/{patient}"
    number = 0
    while number < events:
        async with begin(running.engine) as tx:
            number = await _next(tx, key)
            if number < events:
                fact = kept(clinic_id=CLINIC, patient_id=patient, number=number, nth=number + 1)
                record = outbox.outgoing(fact, None, running.door.service, running.clock.now())
                await tx.execute(_WRITE, {"key": key, "number": number})
                await outbox.append(tx, [record])
                await asyncio.sleep(draws.uniform(0, hold))
        running.relay.wake()


async def _next(tx: AsyncConnection, key: str) -> int:
    """The first number not yet written; a killed predecessor may still be in its last transaction."""
    await tx.execute(_ALONE, {"key": key})
    return int(await tx.scalar(_WRITTEN, {"key": key}) or 0)


async def _hand_in(running: Running, sent: type[Sent], patient: str, numbers: range) -> None:
    """Whoever hands in does so again after a restart: the inbox knows what was applied."""
    for number in numbers:
        fact = sent(clinic_id=CLINIC, patient_id=patient, number=number)
        message = Message(event_id=fact.event_id, source="edge", fact=fact)
        while not await _taken(running, message):
            await asyncio.sleep(0.2)


async def _taken(running: Running, message: Message) -> bool:
    try:
        await running.door.admit([message])
    except Unavailable:
        return False
    return True
