"""Any order and any repetition of a patient's facts end in the same state and the same net facts.

What is published on the way may differ, as what is known on the way differs. Net means: the
milestones that stand are those of the final record, whose evidence it also gives; per adverse
event its worst grade; a baseline's last revision; and every signal and proposal that the final
record gives was told.
"""

from collections.abc import Callable, Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.progress.domain.patient import Patient
from services.progress.domain.verdicts import judge
from services.progress.handlers import HANDLERS
from shared.events import progress
from shared.events.base import Fact
from shared.events.console import PlanAdjustmentApproved, PlanAdjustmentDeclined
from shared.events.intake import AdverseEventRecorded, MeasurementRecorded, MeasurementVoided, PlanEnded, SessionVoided
from shared.ids import derived_id
from tests.domain.progress_story import (
    FASTER_25,
    NOW,
    PAIN_40,
    PLAN,
    SESSIONS_6,
    SESSIONS_12,
    Story,
    adverse_event,
    at,
    published_of,
    reading,
    tell,
)

STORY = Story()
CURVED = FASTER_25.model_copy(update={"milestone": "faster", "measure": "pain", "stale_days": 200})
Draw = st.DrawFn


@st.composite
def histories(draw: Draw) -> list[Fact]:
    """A course that mostly gets better, with everything that can happen to its records."""
    sessions = draw(st.integers(3, 16))
    falls_by = draw(st.sampled_from([0.0, 0.3, 0.6, 0.9]))
    milestones = (SESSIONS_6, SESSIONS_12, PAIN_40, CURVED)
    facts: list[Fact] = [
        STORY.plan(milestones=milestones),
        *STORY.baseline(*draw(st.lists(st.integers(5, 8), max_size=3))),
    ]
    for number in range(1, sessions + 1):
        expected = 6 - falls_by * number
        pain = [min(10, max(0, round(expected + step))) for step in draw(st.lists(st.integers(-2, 2), max_size=2))]
        events = [adverse_event(f"ae-{number}", draw(st.integers(1, 3)), number * 3)] if draw(_rarely) else []
        plan_id = draw(st.sampled_from([PLAN, None]))
        facts.append(STORY.session(number, *pain, plan_id=plan_id, adverse_events=events))
    return [*facts, *draw(_records_about(sessions)), *draw(_plan_changes(sessions * 3))]


_rarely = st.integers(0, 9).map(lambda roll: roll == 0)


@st.composite
def _records_about(draw: Draw, sessions: int) -> list[Fact]:
    """Corrections, voids, readings at home and reports of adverse events."""
    numbers, values = st.integers(1, sessions), st.integers(0, 10)
    kinds: dict[str, Callable[[int], Fact]] = {
        "correction": lambda n: STORY.corrected(f"m-{n}-0", draw(values), (n - 1) * 3, draw(st.integers(1, 3))),
        "unknown": lambda n: STORY.corrected(f"x-{n}", draw(values), n, 1),
        "home": lambda n: STORY.taken(f"h-{n}", draw(values), n * 3 - 1.5, draw(st.sampled_from([PLAN, None]))),
        "curve": lambda n: STORY.expected((1, draw(st.sampled_from([0.5, 3.0]))), revision=n, milestone="faster"),
        "void": lambda n: STORY.fact(MeasurementVoided, measurement_id=f"m-{n}-0", voided_at=at(90)),
        "void-session": lambda n: STORY.fact(SessionVoided, session_id=f"s-{n}", voided_at=at(90)),
        "event": lambda n: STORY.fact(AdverseEventRecorded, adverse_event=adverse_event(f"ae-{n}", 2, n * 3)),
    }
    chosen = draw(st.lists(st.tuples(st.sampled_from(sorted(kinds)), numbers), max_size=8))
    facts: list[Fact] = [kinds[kind](number) for kind, number in chosen]
    # One revision of one measurement has one content: the same fact has the same key.
    return list({(type(fact), fact.natural_key): fact for fact in facts}.values())


@st.composite
def _plan_changes(draw: Draw, last_day: int) -> list[Fact]:
    """Answers to proposals, one adjustment after another, the end of the plan; sometimes a second plan."""
    days = st.integers(0, last_day)
    proposal = {"proposal_id": derived_id("proposal", PLAN, 1, 1), "plan_id": PLAN, "decided_by": "dr-1"}
    possible = [
        STORY.fact(PlanAdjustmentDeclined, **proposal, decided_at=at(draw(days))),
        STORY.fact(PlanAdjustmentApproved, **proposal, decided_at=at(draw(days))),
        STORY.fact(PlanEnded, plan_id=PLAN, reason="completed", ended_at=at(draw(days))),
        STORY.plan("plan-2", starts_on=at(draw(days)).date()),
    ]
    steps = draw(st.lists(st.integers(0, 2), max_size=5))
    adjusted = [STORY.adjusted(version, step, day=draw(days)) for version, step in enumerate(steps, start=2)]
    others = st.lists(st.sampled_from(possible), max_size=3, unique_by=_name)
    return [*draw(others), *adjusted]


def _name(fact: Fact) -> str:
    return type(fact).NAME


@st.composite
def shuffled(draw: Draw) -> tuple[list[Fact], list[Fact]]:
    """A history, and the same facts in another order, some of them twice.

    Either any order, or nearly the order of time: a few facts come early or late. That is how it
    mostly is, and then verdicts are carried on from fact to fact.
    """
    facts = draw(histories())
    again = draw(st.lists(st.sampled_from(facts), max_size=3))
    if draw(st.booleans()):
        return facts, draw(st.permutations([*facts, *again]))
    order = [*facts, *again]
    places = st.integers(0, len(order) - 1)
    for source, target in draw(st.lists(st.tuples(places, places), max_size=6)):
        order.insert(target, order.pop(source))
    return facts, order


@settings(max_examples=150, deadline=None)
@given(shuffled())
def test_any_order_and_repetition_end_in_the_same_record_verdicts_and_net_facts(
    told: tuple[list[Fact], list[Fact]],
) -> None:
    (patient, published), (other, otherwise) = (tell(facts) for facts in told)
    assert without_published(patient) == without_published(other)
    assert judge(patient.record) == judge(other.record)
    assert net(published) == net(otherwise) == as_judged(patient)
    for facts in (published, otherwise):
        assert baselines_of(patient).items() <= last_baselines(facts).items()
        assert signals_of(patient) <= {(fact.NAME, fact.natural_key) for fact in facts}
        assert_each_told_once(facts)


@settings(max_examples=250, deadline=None)
@given(shuffled())
def test_verdicts_carried_on_from_fact_to_fact_equal_those_judged_from_the_start(
    told: tuple[list[Fact], list[Fact]],
) -> None:
    for facts in told:
        assert_carried_on(facts)


def test_verdicts_are_carried_on_rightly_where_one_series_lags_behind_what_was_judged_by_another() -> None:
    start = [STORY.plan(), *STORY.course([6, 6, 6])]
    devices = [home(f"d-{i}", value, i * 3 - 0.5, device="other") for i, value in enumerate([6, 6, 6, 1, 1, 1])]
    assert_carried_on([*start, *devices[:3], *STORY.course([2, 2, 2, 2], first=4), *devices[3:]])
    strength = [home(f"k-{i}", value, i, measure="strength", unit="N") for i, value in enumerate([100] * 6 + [50] * 3)]
    held = STORY.course([2] * 6, first=4)
    patient = assert_carried_on([*start, *strength[:8], *held, *strength[8:]])
    assert len(judge(patient.record)[0].regressions) == 1
    late = home("late", 50, 23.9, measure="strength", unit="N")
    patient = assert_carried_on([*start, *strength[:8], *held, late])
    assert judge(patient.record)[0].proposals == []


def home(measurement_id: str, value: float, day: float, **changes: Any) -> Fact:
    return STORY.fact(MeasurementRecorded, plan_id=PLAN, reading=reading(measurement_id, value, at(day), **changes))


def assert_carried_on(facts: Iterable[Fact]) -> Patient:
    """After each fact, the remembered verdicts are those that the record gives from the start."""
    patient = STORY.patient
    for fact in facts:
        patient = HANDLERS[type(fact)](patient, fact, NOW).state
        assert patient.verdicts is not None
        assert list(patient.verdicts.values()) == judge(patient.record)
    return patient


@settings(max_examples=50, deadline=None)
@given(histories())
def test_a_repeated_fact_gives_the_very_same_state_and_no_facts(facts: list[Fact]) -> None:
    patient, _ = tell(facts)
    for fact in facts:
        decision = HANDLERS[type(fact)](patient, fact, NOW)
        assert decision.state is patient
        assert decision.facts == ()


def without_published(patient: Patient) -> Any:
    return patient.record._replace(published={})


def net(facts: Iterable[Fact]) -> dict[tuple[str, ...], Any]:
    """The standing milestones and the worst grade of each adverse event."""
    last: dict[tuple[str, ...], Any] = {}
    for fact in facts:
        match fact:
            case progress.MilestoneReached():
                last["milestone", fact.plan_id, fact.milestone] = "reached"
            case progress.MilestoneRetracted():
                del last["milestone", fact.plan_id, fact.milestone]
            case progress.AdverseEventReported():
                key = ("adverse-event", fact.adverse_event_id)
                last[key] = max(fact.grade, last.get(key, 0))
            case _:
                pass
    return last


def as_judged(patient: Patient) -> dict[tuple[str, ...], Any]:
    """What `net` must be by the final record."""
    judged: dict[tuple[str, ...], Any] = {
        ("milestone", verdicts.course.plan_id, verdict.rule.milestone): "reached"
        for verdicts in judge(patient.record)
        for verdict in verdicts.milestones
        if verdict.reached_at
    }
    for event in patient.record.adverse_events.values():
        key = ("adverse-event", event.adverse_event_id)
        judged[key] = max(event.grade, judged.get(key, 0))
    return judged


def last_baselines(facts: Iterable[Fact]) -> dict[tuple[str, str], Any]:
    """The last revision of each baseline, as published."""
    return {
        (fact.plan_id, f"{fact.measure}/{fact.side or ''}/{fact.device or ''}"): (fact.value, fact.readings)
        for fact in published_of(progress.BaselineSet, facts)
    }


def baselines_of(patient: Patient) -> dict[tuple[str, str], Any]:
    """The baselines of the final record."""
    return {
        (verdicts.course.plan_id, name): (series.value(series.baseline.level), series.baseline.ids)
        for verdicts in judge(patient.record)
        for name, series in verdicts.course.series.items()
        if series.baseline
    }


def signals_of(patient: Patient) -> set[tuple[str, str]]:
    """Name and natural key of everything that the final record gives and that is told but once."""
    signals: set[tuple[str, str]] = set()
    for verdicts in judge(patient.record):
        plan_id = verdicts.course.plan_id
        for verdict in verdicts.milestones:
            if verdict.not_evaluable:
                key = f"{plan_id}/{verdict.rule.milestone}/{verdict.rule.rule_version}/1"
                signals.add(("milestone.not_evaluable", key))
        signals |= {
            ("regression.detected", f"{plan_id}/{r.evidence.measure}/{r.reading_id}") for r in verdicts.regressions
        }
        signals |= {("plateau.suspected", f"{plan_id}/{p.measure}/{p.review}") for p in verdicts.plateaus}
        signals |= {("plan.adjustment.proposed", p.proposal_id) for p in verdicts.proposals}
        signals |= {("plan.review.due", f"{plan_id}/{stage.version}") for stage in verdicts.course.steps_back[1:]}
    return signals


def assert_each_told_once(facts: list[Fact]) -> None:
    keys = [(fact.NAME, fact.natural_key) for fact in facts]
    assert len(keys) == len(set(keys)), "no fact is published twice"
    for fact in published_of(progress.MilestoneRetracted, facts):
        assert ("milestone.reached", fact.natural_key) in keys
