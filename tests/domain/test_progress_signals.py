"""Regressions, plateaus and adverse events: what a person should look at."""

from shared.events.base import Fact
from shared.events.intake import AdverseEventRecorded, SessionVoided
from shared.events.progress import AdverseEventReported, PlateauSuspected, RegressionDetected
from tests.domain.progress_story import PLAN, Story, adverse_event, apply, at, published_of, tell

STORY = Story()


def regressions(*values: float) -> list[RegressionDetected]:
    return published_of(RegressionDetected, tell([STORY.plan(), *STORY.course(values)])[1])


def test_three_readings_clearly_worse_than_the_four_to_six_before_are_a_regression() -> None:
    (regression,) = regressions(3, 3, 3, 3, 6, 6, 6)
    assert (regression.reading_id, regression.detected_at) == ("m-7-0", at(18))
    assert (regression.evidence.baseline, regression.evidence.mean) == (3, 6)
    assert regression.evidence.baseline_readings == ("m-1-0", "m-2-0", "m-3-0", "m-4-0")


def test_two_bad_readings_a_small_fall_or_a_single_peak_are_none() -> None:
    assert regressions(3, 3, 3, 3, 6, 6) == []
    assert regressions(3, 3, 3, 3, 5, 5, 5) == []
    assert regressions(3, 3, 3, 3, 10, 3, 10) == []
    assert regressions(3, 3, 3, 6, 6, 6) == [], "only three before"


def test_one_fall_is_told_once() -> None:
    assert len(regressions(2, 2, 2, 2, 2, 2, 6, 6, 6, 6, 6)) == 1


def test_a_plateau_is_suspected_at_the_review_when_six_sessions_gained_less_than_matters() -> None:
    flat = published_of(PlateauSuspected, tell([STORY.plan(), *STORY.course([6] * 12)])[1])
    assert [(fact.measure, fact.review) for fact in flat] == [("pain", 12)]
    assert published_of(PlateauSuspected, tell([STORY.plan(), *STORY.course([6] * 11)])[1]) == []
    gaining = [6] * 6 + [5, 5, 5, 4, 4, 4]
    assert published_of(PlateauSuspected, tell([STORY.plan(), *STORY.course(gaining)])[1]) == []


def test_the_reviews_are_those_that_the_course_started_with() -> None:
    plan = STORY.plan(review_sessions=(9, 14))
    flat = published_of(PlateauSuspected, tell([plan, *STORY.course([6] * 14)])[1])
    assert [fact.review for fact in flat] == [9, 14]


def test_no_plateau_is_suspected_of_a_measure_whose_milestone_was_reached_before() -> None:
    done = [6, 6, 6, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    assert published_of(PlateauSuspected, tell([STORY.plan(), *STORY.course(done)])[1]) == []


def recorded(grade: int, session_id: str | None = None, plan_id: str | None = None) -> Fact:
    event = adverse_event("ae-1", grade, 3)
    return STORY.fact(AdverseEventRecorded, session_id=session_id, plan_id=plan_id, adverse_event=event)


def test_an_adverse_event_is_reported_at_once_without_any_plan() -> None:
    _, facts = tell([STORY.session(1, plan_id=None, adverse_events=[adverse_event("ae-1", 3, 0)])])
    (reported,) = facts
    assert isinstance(reported, AdverseEventReported)
    assert (reported.grade, reported.plan_id, reported.session_id, reported.term) == (3, None, "s-1", "bruise")


def test_an_adverse_event_is_reported_once_and_again_only_when_it_turns_out_worse() -> None:
    session = STORY.session(2, adverse_events=[adverse_event("ae-1", 2, 3)])
    patient, facts = tell([STORY.plan(), session, session, recorded(2, "s-2"), recorded(2)])
    assert [(fact.grade, fact.plan_id) for fact in published_of(AdverseEventReported, facts)] == [(2, PLAN)]
    patient, facts = apply(patient, [recorded(4)])
    (worse,) = published_of(AdverseEventReported, facts)
    assert worse.grade == 4
    assert worse.event_id != published_of(AdverseEventReported, tell([session])[1])[0].event_id
    assert apply(patient, [recorded(1)])[1] == []


def test_a_void_that_comes_first_does_not_hold_the_report_of_an_adverse_event_back() -> None:
    void = STORY.fact(SessionVoided, session_id="s-2", voided_at=at(5))
    session = STORY.session(2, adverse_events=[adverse_event("ae-1", 2, 3)])
    assert len(published_of(AdverseEventReported, tell([void, session])[1])) == 1
