"""The ledger on real PostgreSQL: its guard, its limits, and receipts in any order."""

from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from itertools import permutations

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.notifications.domain.receipts import Receipt
from services.notifications.domain.state import DeliveryState
from services.notifications.domain.transitions import TRANSITIONS
from services.notifications.store import allowances
from services.notifications.store.allowances import Limit
from services.notifications.store.ledger import Claim, Handing, Ledger, Result
from tests.domain.notifications_examples import FIRST, NOW, Example
from tests.handlers.notifications_desk import Desk, desk_at

S = DeliveryState
_BEGINS = {S.PLANNED, S.SCHEDULED, S.SUPPRESSED, S.SUPERSEDED, S.GROUPED}
_INSERT = text("""
    INSERT INTO delivery (delivery_id, patient_key, clinic_id, patient_id, recipient, recipient_id, channel, topic,
        subject_id, subject_version, slot, state, reason, due_at)
    VALUES (:name, 'c/p', 'c', 'p', 'patient', 'p', 'email', 'booked', :name, 1, '', :state, '', now())
""")
_FROM_LOG = text("SELECT set_config('stride.from_log', :on, true)")


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database_url: str, clinic_id: str) -> AsyncGenerator[Desk]:
    async with desk_at(database_url, clinic_id) as opened:
        yield opened


@pytest.fixture
def ann(clinic_id: str) -> Example:
    return Example(clinic_id)


async def test_the_database_allows_exactly_the_transitions_of_the_domain(desk: Desk) -> None:
    allowed: set[tuple[S, S]] = set()
    async with desk.engine.begin() as tx:
        for before in S:
            for after in S:
                if before is after:
                    continue
                await tx.execute(_FROM_LOG, {"on": "on"})
                await tx.execute(_INSERT, {"name": f"{before}-{after}", "state": before})
                await tx.execute(_FROM_LOG, {"on": "off"})
                try:
                    async with tx.begin_nested():
                        await tx.execute(
                            text("UPDATE delivery SET state = :after WHERE delivery_id = :name"),
                            {"after": after, "name": f"{before}-{after}"},
                        )
                    allowed.add((before, after))
                except IntegrityError as error:
                    assert "may not follow" in str(error)  # noqa: PT017
        await tx.rollback()
    assert allowed == {(before, after) for before, afters in TRANSITIONS.items() for after in afters}


@pytest.mark.parametrize("state", sorted(S))
async def test_a_delivery_begins_where_nothing_has_happened_yet(desk: Desk, state: S) -> None:
    async with desk.engine.begin() as tx:
        if state in _BEGINS:
            await tx.execute(_INSERT, {"name": "new", "state": state})
        else:
            with pytest.raises(IntegrityError, match="may not follow"):
                await tx.execute(_INSERT, {"name": "new", "state": state})
        await tx.rollback()


async def test_a_message_that_is_planned_and_taken_back_at_once_breaks_no_batch(desk: Desk, ann: Example) -> None:
    facts = [ann.registered(), ann.booked(), ann.moved(0, 2, FIRST + timedelta(days=1)), ann.cancelled(0, 3)]
    await desk.admit(*facts)
    assert S.SUPERSEDED in {state for state, _ in await desk.states()}
    transactions = text("SELECT count(DISTINCT CAST(xmin AS text)) FROM inbox WHERE event_id = ANY(:ids)")
    async with desk.engine.connect() as connection:
        assert await connection.scalar(transactions, {"ids": [fact.event_id for fact in facts]}) == 1


async def test_a_message_is_planned_once_whoever_plans_it(desk: Desk, ann: Example) -> None:
    await desk.admit(ann.registered(), ann.booked())
    (known,) = await desk.deliveries("booked")
    again = {name: getattr(known, name) for name in known._fields if name != "position"}
    insert = text(f"INSERT INTO delivery ({', '.join(again)}) VALUES ({', '.join(f':{name}' for name in again)})")
    async with desk.engine.begin() as tx:
        with pytest.raises(IntegrityError, match="unique"):
            await tx.execute(insert, again | {"delivery_id": "another", "told": None})
        await tx.rollback()


async def _claimed(desk: Desk, ann: Example) -> tuple[Ledger, Claim]:
    await desk.admit(ann.registered(), ann.booked())
    ledger = Ledger(desk.store, "us")
    (claim,) = await desk.claimed(ledger)
    return ledger, claim


async def _gone_out(desk: Desk, ledger: Ledger, claim: Claim) -> None:
    async with desk.door.work() as work:
        go, _ = await ledger.hand_over(work.tx, [Handing(claim, "sms-a")], 60)
    assert go == {claim.delivery.delivery_id}


async def _settled(desk: Desk, ledger: Ledger, claim: Claim, state: S) -> None:
    async with desk.door.work() as work:
        result = Result(claim, state, "", accepted_at=NOW if state is S.ACCEPTED else None, reference="ref-1")
        for fact in await ledger.settle(work.tx, [result], NOW):
            desk.door.publish(work, fact)


async def _received(desk: Desk, ledger: Ledger, receipts: Sequence[Receipt]) -> None:
    for receipt in receipts:
        async with desk.door.work() as work:
            for fact in await ledger.receive(work.tx, [receipt], NOW):
                desk.door.publish(work, fact)


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("settled_after", [0, 2, 3])
async def test_receipts_end_the_same_in_any_order_repeated_and_before_the_send_is_written_down(
    desk: Desk, ann: Example, order: tuple[int, ...], settled_after: int
) -> None:
    ledger, claim = await _claimed(desk, ann)
    await _gone_out(desk, ledger, claim)
    name = claim.delivery.delivery_id
    reports = [Receipt(name, S.ACCEPTED, 1), Receipt(name, S.UNDELIVERED, 2), Receipt(name, S.DELIVERED, 3)]
    came = [reports[number] for number in order]
    await _received(desk, ledger, came[:settled_after])
    if settled_after:
        assert [state for state, _ in await desk.states("booked")] == ["sending"]
    await _settled(desk, ledger, claim, S.ACCEPTED)
    await _received(desk, ledger, [*came[settled_after:], *came])
    assert [state for state, _ in await desk.states("booked")] == ["delivered"]
    assert len(await desk.published("notification.sent")) == 1


@pytest.mark.parametrize(
    ("state", "published"), [(S.DELIVERED, "notification.sent"), (S.BOUNCED, "notification.failed")]
)
async def test_a_receipt_tells_what_became_of_a_message_that_was_unknown(
    desk: Desk, ann: Example, state: S, published: str
) -> None:
    ledger, claim = await _claimed(desk, ann)
    await _gone_out(desk, ledger, claim)
    await _settled(desk, ledger, claim, S.UNKNOWN)
    await _received(desk, ledger, [Receipt(claim.delivery.delivery_id, state)])
    assert [found for found, _ in await desk.states("booked")] == [state]
    assert (await desk.published(published))[-1]["delivery_id"] == claim.delivery.delivery_id


async def test_a_bounced_message_told_the_patient_nothing(desk: Desk, ann: Example) -> None:
    ledger, claim = await _claimed(desk, ann)
    await _gone_out(desk, ledger, claim)
    await _settled(desk, ledger, claim, S.ACCEPTED)
    await _received(desk, ledger, [Receipt(claim.delivery.delivery_id, S.BOUNCED)])
    await desk.admit(ann.moved(0, 2, FIRST + timedelta(days=1)))
    desk.clock.forward(minutes=5)
    assert await desk.claimed(ledger) == []
    assert await desk.states("moved") == [("superseded", "not-told")]


async def test_a_receipt_for_a_message_that_nobody_knows_changes_nothing(desk: Desk) -> None:
    await _received(desk, Ledger(desk.store, "us"), [Receipt("nobody", S.DELIVERED)])
    async with desk.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM receipt")) == 0


async def test_a_limit_holds_for_all_processes_and_fills_again(desk: Desk) -> None:
    slow = Limit(per_second=0.5, burst=3)
    taken: list[int] = []
    for wanted in (2, 2, 2):
        async with desk.engine.begin() as tx:
            taken.append(await allowances.take(tx, "sms-a", slow, wanted))
    assert taken == [2, 1, 0]
    async with desk.engine.begin() as tx:
        await tx.execute(text("UPDATE allowance SET filled_at = filled_at - interval '4 seconds'"))
        assert await allowances.take(tx, "sms-a", slow, 5) == 2
        assert await allowances.take(tx, "sms-b", slow, 5) == 3


async def test_what_a_limit_holds_up_stays_claimed_by_us_and_urgent_goes_first(desk: Desk, clinic_id: str) -> None:
    people = [Example(clinic_id, f"p-{n}", f"plan-{n}") for n in range(3)]
    await desk.admit(*(fact for p in people for fact in (p.registered(), p.booked())), people[0].adverse())
    ledger = Ledger(desk.store, "us")
    claims = await desk.claimed(ledger)
    async with desk.door.work() as work:
        limit = Limit(per_second=0.1, burst=2)
        go, held_up = await ledger.hand_over(work.tx, [Handing(claim, "smtp", limit) for claim in claims], 60)
    urgent = {claim.delivery.delivery_id for claim in claims if claim.delivery.urgent}
    assert (len(go), len(held_up), len(urgent)) == (2, 2, 1)
    assert urgent <= go


async def test_after_downtime_nothing_is_sent_past_the_start_and_one_reminder_is_enough(
    desk: Desk, clinic_id: str
) -> None:
    missed, soon = Example(clinic_id, "p-1", "plan-1"), Example(clinic_id, "p-2", "plan-2")
    await desk.admit(
        missed.registered(), missed.booked(), soon.registered(), soon.booked(start=FIRST + timedelta(hours=26))
    )
    ledger = Ledger(desk.store, "us")
    for claim in await desk.claimed(ledger):
        await _gone_out(desk, ledger, claim)
        await _settled(desk, ledger, claim, S.ACCEPTED)
    desk.clock.moment = FIRST + timedelta(hours=4)
    claims = await desk.claimed(ledger)
    assert [(claim.delivery.topic, claim.delivery.slot) for claim in claims] in ([], [("reminder", "1d")])
    claims += await desk.claimed(ledger)
    assert [(claim.patient_id, claim.delivery.slot) for claim in claims] == [("p-2", "1d")]
    reminders = {(row.patient_id, row.slot): (row.state, row.reason) for row in await desk.deliveries("reminder")}
    assert reminders["p-1", "3d"] == reminders["p-1", "1d"] == ("expired", "too-late")
    assert reminders["p-2", "3d"] == ("superseded", "collapsed")
