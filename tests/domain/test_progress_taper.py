"""Proposals to step along the taper ladder, and the gates before them."""

from collections.abc import Sequence

from services.progress.domain.patient import Patient
from shared.events.base import Fact
from shared.events.console import PlanAdjustmentApproved, PlanAdjustmentDeclined
from shared.events.intake import AdverseEventRecorded, PlanEnded
from shared.events.progress import PlanAdjustmentProposed, PlanReviewDue
from shared.ids import derived_id
from tests.domain.progress_story import PAIN, PLAN, STRENGTH, Story, adverse_event, apply, at, published_of, tell

STORY = Story()
HELD = [6, 6, 6, 2, 2, 2, 2, 2, 2]
"""Confirmed at session 6; three later readings hold it at session 9."""


def proposals(facts: Sequence[Fact]) -> list[PlanAdjustmentProposed]:
    return published_of(PlanAdjustmentProposed, tell(facts)[1])


def improved() -> list[Fact]:
    return [STORY.plan(), *STORY.course(HELD)]


def answered(kind: type[Fact], proposal: PlanAdjustmentProposed, day: float) -> Fact:
    return STORY.fact(kind, proposal_id=proposal.proposal_id, plan_id=PLAN, decided_by="dr-1", decided_at=at(day))


def test_a_step_is_proposed_when_the_milestone_is_confirmed_and_three_later_readings_hold_it() -> None:
    assert proposals(improved()[:-1]) == []
    (proposal,) = proposals(improved())
    assert proposal.proposal_id == derived_id("proposal", PLAN, 1, 1)
    assert (proposal.plan_version, proposal.from_step, proposal.to_step) == (1, 0, 1)
    assert proposal.proposed_at == at(24), "the reading at the start of session 9"
    assert proposal.evidence.readings == ("m-7-0", "m-8-0", "m-9-0")


def test_nothing_is_proposed_while_later_readings_miss_the_target() -> None:
    assert proposals([STORY.plan(), *STORY.course([*HELD[:-1], 8])]) == []


def test_an_adverse_event_of_grade_two_holds_the_proposal_back_for_fourteen_days() -> None:
    def with_event(grade: int) -> list[Fact]:
        event = STORY.fact(AdverseEventRecorded, adverse_event=adverse_event("ae-1", grade, 20))
        return [event, *improved(), *STORY.course([2, 2, 2, 2], first=10)]

    assert [proposal.proposed_at for proposal in proposals(with_event(1))] == [at(24)]
    (held_back,) = proposals(with_event(2))
    assert held_back.proposed_at == at(36), "16 days after the event; day 33 was within 14"


def test_one_proposal_is_open_at_a_time_and_a_declined_one_comes_again_after_four_more_sessions() -> None:
    patient, facts = tell([*improved(), *STORY.course([2] * 4, first=10)])
    (first,) = published_of(PlanAdjustmentProposed, facts)
    patient, facts = apply(patient, [answered(PlanAdjustmentDeclined, first, 36.5)])
    assert facts == []
    patient, facts = apply(patient, STORY.course([2] * 3, first=14))
    assert published_of(PlanAdjustmentProposed, facts) == []
    patient, facts = apply(patient, STORY.course([2] * 2, first=17))
    (again,) = published_of(PlanAdjustmentProposed, facts)
    assert again.proposal_id == derived_id("proposal", PLAN, 1, 1, 1)
    assert again.proposed_at.date() == at(48).date()


def test_an_approved_proposal_is_followed_by_the_next_only_in_the_next_version() -> None:
    patient, facts = tell(improved())
    (first,) = published_of(PlanAdjustmentProposed, facts)
    approved = answered(PlanAdjustmentApproved, first, 24.5)
    patient, facts = apply(patient, [approved, *STORY.course([2] * 6, first=10)])
    assert published_of(PlanAdjustmentProposed, facts) == []
    _, facts = apply(patient, [STORY.adjusted(2, 1, day=25)])
    (following,) = published_of(PlanAdjustmentProposed, facts)
    assert (following.plan_version, following.from_step, following.to_step) == (2, 1, 2)
    assert following.proposed_at == at(36.03125), "the end of the fourth session at the step"


def after_taper(*adjustments: Fact) -> Patient:
    return tell([*improved(), *adjustments])[0]


def test_a_regression_proposes_one_step_back_but_never_below_the_first() -> None:
    worse = STORY.course([7, 7, 7], first=10)
    (back,) = published_of(PlanAdjustmentProposed, apply(after_taper(STORY.adjusted(2, 1, day=25)), worse)[1])
    assert (back.from_step, back.to_step, back.proposed_at) == (1, 0, at(33))
    open_at_first_step = apply(tell(improved()[:-1])[0], STORY.course([7, 7, 7], first=9))
    assert published_of(PlanAdjustmentProposed, open_at_first_step[1]) == []


def test_no_step_is_proposed_within_six_readings_of_a_regression() -> None:
    stage = after_taper(STORY.adjusted(2, 1, day=25), STORY.adjusted(3, 1, day=38))
    relapse = STORY.course([7, 7, 7], first=10)
    patient, facts = apply(stage, [*relapse, *STORY.course([1] * 5, first=13)])
    assert published_of(PlanAdjustmentProposed, facts) == []
    _, facts = apply(patient, STORY.course([1], first=18))
    assert [(fact.from_step, fact.to_step) for fact in published_of(PlanAdjustmentProposed, facts)] == [(1, 2)]


def test_after_two_failed_tapers_the_course_is_held() -> None:
    once = [STORY.adjusted(2, 1, day=25), STORY.adjusted(3, 0, day=26)]
    twice = [*once, STORY.adjusted(4, 1, day=27), STORY.adjusted(5, 0, day=28)]
    later = STORY.course([2] * 5, first=11)
    assert len(published_of(PlanAdjustmentProposed, apply(after_taper(*once), later)[1])) == 1
    assert published_of(PlanAdjustmentProposed, apply(after_taper(*twice), later)[1]) == []


def test_the_second_step_back_asks_for_a_review_once_whatever_came_first() -> None:
    steps = [STORY.adjusted(version, version % 2, day=20 + version) for version in range(2, 9)]
    (first, again) = published_of(PlanReviewDue, tell([STORY.plan(), *steps])[1])
    assert (first.plan_version, first.steps_back, first.due_on) == (6, 2, at(26).date())
    assert (again.plan_version, again.steps_back) == (8, 3)
    late = tell([*reversed(steps), STORY.plan(), *steps])[1]
    assert {fact.event_id for fact in published_of(PlanReviewDue, late)} == {first.event_id, again.event_id}


def test_a_milestone_that_nothing_has_shown_for_six_weeks_leads_to_no_proposal() -> None:
    early = STORY.plan(measures=(PAIN, STRENGTH))
    read = STORY.course(HELD)[:8]
    silent = [STORY.session(number, day=18 + 43 + number) for number in range(9, 13)]
    unread = [STORY.taken("last", 2, 21.5), *silent]
    held_again = STORY.adjusted(2, 1, day=60)
    facts = [early, *read, held_again, *unread]
    assert [fact for fact in proposals(facts) if fact.plan_version == 2] == []
    fresh = STORY.taken("new", 2, 72.5)
    assert [fact.to_step for fact in proposals([*facts, fresh]) if fact.plan_version == 2] == [2]


def test_nothing_is_proposed_for_an_ended_plan_or_beyond_the_last_rung() -> None:
    ended = STORY.fact(PlanEnded, plan_id=PLAN, reason="completed", ended_at=at(23))
    assert proposals([ended, *improved()]) == []
    assert proposals([STORY.adjusted(2, 2, day=0), *improved()]) == []
