"""What the front desk asks for is done or refused in words, and the queue is told as it stands after it."""

from datetime import date, time, timedelta
from typing import Any

import pytest

from services.scheduling.domain.course import ClinicSchedule
from shared.events import scheduling
from shared.events.base import Fact
from shared.events.clinical import TimeWish, Weekday
from shared.events.console import DeskActionRequested
from shared.events.scheduling import DeskActionAnswered
from shared.messaging.errors import Refused
from tests.domain.scheduling_examples import (
    INTENSIVE,
    NOW,
    adjusted,
    booked,
    calendar,
    course_of,
    ended,
    live,
    of_kind,
    overlaps,
    plan,
    practitioner,
    room,
    schedule,
    tell,
    week,
)
from tests.domain.test_scheduling_offers import SOON, a_clinic, offer
from tests.domain.test_scheduling_orders import queued

WEDNESDAY = 2


def without_time(*patients: str) -> tuple[ClinicSchedule, list[Fact]]:
    """Open on Wednesdays alone: of three sessions a week, some find no time within their bounds."""
    on = calendar(practitioner(1, rules=week(8, 12, [WEDNESDAY])), room(11))
    state, facts = schedule(*patients or ("p1",), on=on), list[Fact]()
    for name in patients or ("p1",):
        state, told = tell(state, plan(name, [INTENSIVE]))
        facts += told
    return state, facts


def ask(action: str, patient: str = "p1", **other: Any) -> DeskActionRequested:
    fields: dict[str, Any] = {
        "clinic_id": "riverside", "patient_id": patient, "request_id": f"{action}-{patient}", "action": action,
        "plan_id": f"plan-{patient}", "requested_by": "st-eve", "requested_at": NOW,
    }  # fmt: skip
    return DeskActionRequested.model_validate(fields | other)


def answer_in(facts: list[Fact]) -> DeskActionAnswered:
    (answer,) = [fact for fact in facts if isinstance(fact, DeskActionAnswered)]
    return answer


def first_waiting(state: ClinicSchedule, patient: str = "p1") -> int:
    return min(course_of(state, patient).queue)


def free_time(state: ClinicSchedule, weeks: int = 5) -> dict[str, Any]:
    """A Wednesday morning weeks after the course, when nobody comes."""
    assert state.calendar
    day = (date(2026, 3, 4) + timedelta(weeks=weeks)).toordinal()
    return {"start": state.calendar.moment(day, 8 * 60), "practitioner_id": "pr-1", "room_id": "room-11"}


def test_what_waits_is_told_with_why_and_again_when_the_course_changes_or_ends() -> None:
    state, facts = without_time()
    (told,) = [fact for fact in facts if isinstance(fact, scheduling.WorkQueueChanged)]
    assert [each.sequence for each in told.waiting] == sorted(course_of(state).queue)
    assert {each.reason for each in told.waiting} <= {"clinic-closed", "fully-booked"}
    weekly = INTENSIVE.model_copy(update={"sessions_per_week": 1, "weeks": 4, "max_gap_days": 9})
    changed, more = tell(state, adjusted(2, [weekly], date(2026, 3, 4)))
    assert queued([*facts, *more]) == sorted(course_of(changed).queue) == []
    over, end = tell(state, ended())
    assert queued([*facts, *end]) == []
    assert course_of(over).queue_revision == 2


def test_a_chosen_time_is_booked_and_the_session_leaves_the_queue() -> None:
    state, before = without_time()
    number = first_waiting(state)
    after, facts = tell(state, ask("book", sequence=number, **free_time(state)))
    assert answer_in(facts).outcome == "done"
    assert [(fact.sequence, fact.start) for fact in booked(facts)] == [(number, free_time(state)["start"])]
    assert number not in queued([*before, *facts])
    assert overlaps(after) == []
    again, told = tell(after, ask("book", request_id="other", sequence=number, **free_time(state, 6)))
    assert again is after
    assert (answer_in(told).outcome, answer_in(told).reasons) == ("refused", ("has-a-time",))


def test_of_two_who_choose_the_same_time_the_second_hears_why_not() -> None:
    state, _ = without_time("p1", "p2")
    chosen = free_time(state)
    state, _ = tell(state, ask("book", sequence=first_waiting(state), **chosen))
    after, facts = tell(state, ask("book", "p2", sequence=first_waiting(state, "p2"), **chosen))
    assert after is state
    refused = answer_in(facts)
    assert (refused.outcome, refused.reasons) == ("refused", ("practitioner-taken", "room-taken"))
    assert refused.detail == "In the way: practitioner pr-1 is taken; room room-11 is taken."
    assert len(facts) == 1


def test_a_wish_books_the_best_time_that_suits_it() -> None:
    state, _ = without_time()
    number, since = first_waiting(state), date(2026, 4, 1)
    wish = TimeWish(not_before=since, weekdays=(Weekday.WE,), start=time(10), end=time(12))
    _, facts = tell(state, ask("book-by-wish", sequence=number, wish=wish))
    (there,) = booked(facts)
    assert state.calendar
    local = there.start.astimezone(state.calendar.zone)
    assert local.date() >= since
    assert time(10) <= local.time()
    assert there.end.astimezone(state.calendar.zone).time() <= time(12)
    for never in (TimeWish(weekdays=(Weekday.MO,)), TimeWish(practitioner_id="nobody"), TimeWish(start=time(13))):
        same, told = tell(state, ask("book-by-wish", sequence=number, wish=never))
        assert same is state
        assert answer_in(told).reasons == ("no-time",)


def test_a_session_that_needs_no_time_leaves_the_queue() -> None:
    state, before = without_time()
    number = first_waiting(state)
    after, facts = tell(state, ask("give-up", sequence=number, reason="patient-declined"))
    assert course_of(after).sessions[number].given_up
    assert number not in queued([*before, *facts])
    assert answer_in(facts).outcome == "done"
    assert answer_in(tell(after, ask("give-up", request_id="x", sequence=number))[1]).reasons == ("has-a-time",)


def test_what_a_patient_says_of_offers_is_told_on_and_the_last_word_counts() -> None:
    state, _ = without_time()
    state, facts = tell(state, ask("wait"))
    (said,) = of_kind(facts, scheduling.WaitlistChanged)
    assert isinstance(said, scheduling.WaitlistChanged)
    assert (said.plan_id, said.wanted) == ("plan-p1", True)
    assert state.patients["p1"].waits["plan-p1"].wanted
    assert tell(state, said)[0] is state, "it comes back by Kafka and changes nothing"
    earlier = ask("stop-waiting", requested_at=NOW - timedelta(hours=1))
    assert tell(state, earlier)[0].patients["p1"].waits["plan-p1"].wanted
    later = ask("stop-waiting", request_id="later", requested_at=NOW + timedelta(hours=1))
    assert not tell(state, later)[0].patients["p1"].waits["plan-p1"].wanted
    assert answer_in(tell(state, ended(), ask("wait", request_id="late"))[1]).reasons == ("over",)


@pytest.mark.parametrize(("action", "answer"), [("accept-offer", "accepted"), ("decline-offer", "declined")])
def test_an_offer_is_answered_for_the_patient_until_it_is_over(action: str, answer: str) -> None:
    state = a_clinic()
    state, _ = tell(state, offer(state))
    asked = ask(action, sequence=1, offer_id="hold:p1")
    after, facts = tell(state, asked)
    (told,) = [fact for fact in facts if isinstance(fact, scheduling.WaitlistAnswered)]
    assert (told.offer_id, told.answer) == ("hold:p1", answer)
    assert (live(after)[0].start == SOON) == (answer == "accepted")
    assert answer_in(facts).outcome == "done"
    same, late = tell(state, asked, now=NOW + timedelta(hours=1))
    assert same is state
    assert answer_in(late).reasons == ("offer-over",)


def test_a_clinic_that_nobody_described_is_no_answer_to_anybody() -> None:
    nowhere = ClinicSchedule("riverside", None, patients=schedule().patients)
    with pytest.raises(Refused, match="There is no clinic"):
        tell(nowhere, ask("wait"))
