"""Milestones: confirmed beyond noise, counted exactly, taken back when their ground goes."""

from typing import Any

import pytest

from services.progress.domain.patient import Patient
from shared.events.base import Fact
from shared.events.clinical import Reading, Side
from shared.events.intake import MeasurementRecorded, MeasurementVoided, PlanEnded, SessionVoided
from shared.events.progress import BaselineSet, MilestoneNotEvaluable, MilestoneReached, MilestoneRetracted
from tests.domain.progress_story import (
    GRADE_UP,
    MRC,
    PAIN,
    PAIN_40,
    SESSIONS_6,
    Story,
    apply,
    at,
    published_of,
    reading,
    tell,
    verdicts_on,
)

STORY = Story()
START = [STORY.plan(), *STORY.baseline(6), STORY.session(1, 6), STORY.session(2, 6)]
"""A plan and three pain readings of 6, the last at the start of session 2: a baseline."""


def told(kind: type[Any], facts: list[Fact], milestone: str = "pain-40") -> list[Any]:
    return [fact for fact in published_of(kind, facts) if fact.milestone == milestone]


def after_start(*values: float) -> tuple[Patient, list[Fact]]:
    return tell([*START, *STORY.course(values, first=3)])


def taken(measurement_id: str, value: float, day: float, **changes: Any) -> MeasurementRecorded:
    return STORY.fact(MeasurementRecorded, plan_id="plan-1", reading=reading(measurement_id, value, at(day), **changes))


def voided(kind: type[Fact], **which: str) -> Fact:
    return STORY.fact(kind, voided_at=at(60), **which)


def test_the_worked_example_is_confirmed_at_a_mean_of_two_point_seven_three_but_not_point_seven_five() -> None:
    """Baseline 6, target 3.6, sigma 1: SE .673, so 90% takes a mean of 2.737 (clinical.md: 2.74)."""
    for mean, confirmed in ((2.73, 1), (2.75, 0)):
        patient, facts = after_start(mean, mean, mean)
        assert len(told(MilestoneReached, facts)) == confirmed, mean
        assert (verdicts_on(patient).milestones[2].state == "reached") is bool(confirmed)


def test_the_evidence_is_enough_to_recompute_the_verdict_by_hand() -> None:
    _, facts = after_start(2, 3, 2)
    (reached,) = told(MilestoneReached, facts)
    evidence = reached.evidence
    assert (evidence.baseline, evidence.baseline_readings) == (6, ("b-0", "m-1-0", "m-2-0"))
    assert (evidence.readings, evidence.values) == (("m-3-0", "m-4-0", "m-5-0"), (2, 3, 2))
    assert evidence.target == pytest.approx(3.6)
    assert evidence.mean == pytest.approx(7 / 3)
    assert evidence.sigma == pytest.approx(1.0)
    assert evidence.probability == pytest.approx(0.97003, abs=0.00001)
    assert reached.reached_at == at(12)
    assert reached.title == "Pain down by 40%"


def test_one_good_reading_or_two_are_no_milestone_and_a_window_needs_two_passes_of_its_own() -> None:
    assert told(MilestoneReached, after_start(0, 0)[1]) == []
    assert told(MilestoneReached, after_start(0, 4, 4)[1]) == []


def test_readings_on_one_day_count_once_in_the_baseline_and_the_enrolment_reading_never() -> None:
    same_day = [STORY.plan(), STORY.session(1, 6, 4, 5), STORY.session(2)]
    assert published_of(BaselineSet, tell(same_day)[1]) == []
    enrolment = [STORY.plan(), taken("e", 9, -3, enrolment=True), STORY.session(1, 6), STORY.session(2, 7)]
    (baseline,) = published_of(BaselineSet, tell(enrolment)[1])
    assert (baseline.value, baseline.readings) == (6.5, ("m-1-0", "m-2-0"))


def test_the_baseline_is_the_last_three_days_before_session_two_and_is_revised_when_they_change() -> None:
    facts = [STORY.plan(), *STORY.baseline(9, 9, 6), STORY.session(1, 6), STORY.session(2, 6)]
    patient, published = tell(facts)
    assert [(b.value, b.revision) for b in published_of(BaselineSet, published)] == [(6, 1)]
    _, published = apply(patient, [STORY.corrected("b-2", 7.5, -1)])
    assert [(b.value, b.revision) for b in published_of(BaselineSet, published)] == [(6.5, 2)]


def test_a_window_that_spans_more_than_42_days_confirms_nothing() -> None:
    stale = [STORY.session(3, 1), STORY.session(4, 1), STORY.session(5, 1, day=6 + 43)]
    assert told(MilestoneReached, tell([*START, *stale])[1]) == []
    fresh = [STORY.session(3, 1), STORY.session(4, 1), STORY.session(5, 1, day=6 + 42)]
    assert len(told(MilestoneReached, tell([*START, *fresh])[1])) == 1


@pytest.mark.parametrize(
    "change", [{"side": "left"}, {"device": "other"}, {"unit": "%"}, {"value": 11}, {"measure": "stress"}]
)
def test_readings_of_another_side_device_unit_measure_or_out_of_range_belong_to_no_window(change: Any) -> None:
    plan = STORY.plan(side=Side.RIGHT)
    start = [plan, *START[1:], STORY.session(3, 2), STORY.session(4, 2)]
    other: dict[str, Any] = {"value": 2, **change}
    stray = taken("x", other.pop("value"), 13, **other)
    assert told(MilestoneReached, tell([*start, stray])[1]) == []
    assert len(told(MilestoneReached, tell([*start, taken("x", 2, 13)])[1])) == 1


def test_a_gain_on_a_log_scale_is_judged_by_ratio() -> None:
    values = (100, 101, 99, 135, 135, 135)

    def strength(number: int, value: float) -> Reading:
        return reading(f"k-{number}", value, at((number - 1) * 3), measure="strength", unit="N")

    facts = [STORY.fact(MeasurementRecorded, plan_id="plan-1", reading=strength(n, v)) for n, v in enumerate(values, 0)]
    _, published = tell([*START, *facts])
    (reached,) = told(MilestoneReached, published, "strength-20")
    assert reached.evidence.baseline == pytest.approx(99.997, abs=0.001)
    assert reached.evidence.target == pytest.approx(119.996, abs=0.001)
    assert reached.evidence.mean == pytest.approx(135)


def graded(*grades: tuple[float, str | None]) -> list[Fact]:
    """A course in which strength was graded from 0 to 5 every other day, by whom is said; two before session 2."""
    plan = STORY.plan(measures=(PAIN, MRC), milestones=(SESSIONS_6, PAIN_40, GRADE_UP))
    facts = [
        taken(f"g-{n}", grade, n * 2, measure="mrc", unit="1", rater=rater) for n, (grade, rater) in enumerate(grades)
    ]
    return [plan, STORY.session(1), STORY.session(2), *facts]


def test_a_grade_is_up_on_three_gradings_in_a_row_by_the_same_rater() -> None:
    one = [(3.0, "pt-1"), (2.0, "pt-1"), (4.0, "pt-1"), (4.0, "pt-1"), (5.0, "pt-1")]
    _, facts = tell(graded(*one))
    (reached,) = told(MilestoneReached, facts, "mrc-up")
    evidence = reached.evidence
    assert (evidence.baseline, evidence.target, evidence.values, evidence.rater) == (3, 4, (4, 4, 5), "pt-1")
    assert (evidence.mean, evidence.sigma, evidence.probability) == (None, None, None), "grades are not averaged"
    assert told(MilestoneReached, tell(graded(*one[:3], (3.0, "pt-1"), *one[3:]))[1], "mrc-up") == []


@pytest.mark.parametrize("other", ["pt-2", None])
def test_gradings_by_another_rater_or_by_nobody_known_belong_to_no_window(other: str | None) -> None:
    mixed = [(3.0, "pt-1"), (3.0, "pt-1"), (4.0, "pt-1"), (4.0, "pt-1"), (4.0, other)]
    assert told(MilestoneReached, tell(graded(*mixed))[1], "mrc-up") == []
    between = [*mixed[:4], (1.0, other), (4.0, "pt-1")]
    assert len(told(MilestoneReached, tell(graded(*between))[1], "mrc-up")) == 1, "each rater is a series"


def test_each_raters_baseline_is_a_fact_of_its_own() -> None:
    _, facts = tell(graded((3, "pt-1"), (2, "pt-2"), (3, "pt-1"), (2, "pt-2")))
    assert published_of(BaselineSet, facts) == [], "half a day between two readings, but after session 2"
    early = [
        taken(f"e-{n}-{rater}", 3, n - 3, measure="mrc", unit="1", rater=rater)
        for n in range(2)
        for rater in ("pt-1", "pt-2")
    ]
    baselines = published_of(BaselineSet, tell([*graded(), *early])[1])
    assert sorted(baseline.rater for baseline in baselines) == ["pt-1", "pt-2"]
    assert len({baseline.event_id for baseline in baselines}) == 2


def test_sessions_six_and_twelve_are_counted_exactly_without_voided_ones() -> None:
    facts: list[Fact] = [STORY.plan(), *(STORY.session(n) for n in range(1, 7))]
    patient, published = tell(facts)
    (reached,) = told(MilestoneReached, published, "sessions-6")
    assert (reached.reached_at, reached.evidence.sessions) == (at(15), 6)
    assert told(MilestoneReached, tell(facts[:-1])[1], "sessions-6") == []
    patient, published = apply(patient, [voided(SessionVoided, session_id="s-3")])
    (retracted,) = told(MilestoneRetracted, published, "sessions-6")
    assert (retracted.cause, retracted.before.sessions, retracted.after.sessions) == ("void", 6, 5)
    _, published = apply(patient, [STORY.session(7)])
    (again,) = told(MilestoneReached, published, "sessions-6")
    assert (again.occurrence, again.reached_at) == (2, at(18))


def test_a_correction_takes_the_milestone_back_and_another_gives_it_again() -> None:
    patient, _ = after_start(2, 2, 2)
    patient, published = apply(patient, [STORY.corrected("m-4-0", 7, 9)])
    (retracted,) = told(MilestoneRetracted, published)
    assert (retracted.cause, retracted.occurrence) == ("correction", 1)
    assert (retracted.before.values, retracted.after.values) == ((2, 2, 2), (2, 7, 2))
    patient, published = apply(patient, [STORY.corrected("m-4-0", 9, 9, revision=1)])
    assert published == [], "an old revision changes nothing"
    _, published = apply(patient, [STORY.corrected("m-4-0", 2, 9, revision=2)])
    assert [reached.occurrence for reached in told(MilestoneReached, published)] == [2]


def test_the_cause_of_a_retraction_is_told() -> None:
    patient, _ = after_start(2.5, 2.5, 2.5)
    for change, cause in (
        (voided(MeasurementVoided, measurement_id="m-5-0"), "void"),
        (voided(SessionVoided, session_id="s-5"), "void"),
        (STORY.taken("late", 9, 9.5), "late"),
        (STORY.corrected("b-0", 4, -1), "baseline_change"),
    ):
        (retracted,) = told(MilestoneRetracted, apply(patient, [change])[1])
        assert retracted.cause == cause


def test_getting_worse_later_is_no_retraction() -> None:
    _, facts = after_start(2, 2, 2, 8, 9, 9, 9)
    assert len(told(MilestoneReached, facts)) == 1
    assert told(MilestoneRetracted, facts) == []


def test_a_milestone_without_a_baseline_is_told_as_not_evaluable_once_from_session_six_on() -> None:
    early: list[Fact] = [STORY.plan(), STORY.session(1, 6), *(STORY.session(n) for n in range(2, 6))]
    assert told(MilestoneNotEvaluable, tell(early)[1]) == []
    _, facts = tell([*early, STORY.session(6, 1), STORY.session(7, 1)])
    assert [fact.reason for fact in told(MilestoneNotEvaluable, facts)] == ["no-baseline"]
    _, facts = tell([STORY.plan(milestones=(PAIN_40.model_copy(update={"change": None}),))])
    assert [fact.reason for fact in told(MilestoneNotEvaluable, facts)] == ["no-expected-change"]


def test_records_that_name_no_plan_belong_to_the_course_of_their_time() -> None:
    first, second = STORY.plan("old", starts_on=at(-60).date()), STORY.plan("new", starts_on=at(0).date())
    ended = STORY.fact(PlanEnded, plan_id="old", reason="completed", ended_at=at(-20))
    facts = [
        STORY.taken("in-old", 6, -30, plan_id=None),
        STORY.taken("before-new", 6, -1, plan_id=None),
        *(STORY.session(n, 6, plan_id=None) for n in (1, 2)),
        *(STORY.session(n, 2, plan_id=None) for n in (3, 4, 5)),
    ]
    patient, published = tell([first, second, ended, *facts])
    (reached,) = told(MilestoneReached, published)
    assert (reached.plan_id, reached.evidence.baseline_readings) == ("new", ("before-new", "m-1-0", "m-2-0"))
    (old,) = verdicts_on(patient, "old").course.series.values()
    assert [reading.measurement_id for reading in old.readings] == ["in-old"]
