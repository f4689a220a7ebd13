"""From a consultation to a plan, and from proposals to its next versions: the rules, without any server."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.intake.domain import adjustments, consultations, recording
from services.intake.domain.chart import PatientFile
from shared.events.base import Fact
from shared.events.clinical import Side
from shared.events.console import PlanAdjustmentApproved, PlanAdjustmentDeclined
from shared.events.intake import (
    ConsultationCompleted,
    MeasurementRecorded,
    PlanAdjusted,
    PlanCreated,
    PlanEnded,
    PlanWithheld,
    SessionLogged,
    SessionVoided,
)
from shared.events.progress import PlanAdjustmentProposed
from shared.messaging.errors import Refused
from shared.protocols import load_protocols
from shared.settings import ROOT

PROTOCOLS = load_protocols(ROOT / "protocols")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NEW = PatientFile("riverside", "p1", PROTOCOLS)
WHO = {"clinic_id": "riverside", "patient_id": "p1"}


def consultation(**changes: Any) -> ConsultationCompleted:
    content = {"consultation_id": "c1", "completed_at": NOW, "condition": "M21.371"}
    return ConsultationCompleted.model_validate(WHO | content | changes)


def planned(**changes: Any) -> PlanCreated:
    _, plan = consultations.complete(NEW, consultation(**changes), NOW).facts
    assert isinstance(plan, PlanCreated)
    return plan


def reading(**changes: Any) -> dict[str, Any]:
    base = {"measurement_id": "m1", "measure": "pain-nrs", "value": 5, "unit": "{score}", "effective_at": NOW}
    return base | changes


def test_a_foot_drop_course_has_18_sessions_in_14_weeks_on_the_side_of_the_code() -> None:
    plan = planned()
    assert sum(phase.sessions for phase in plan.phases) == 18
    assert sum(phase.weeks for phase in plan.phases) == 14
    assert (plan.side, plan.session_minutes, plan.starts_on) == (Side.RIGHT, 45, date(2026, 3, 3))
    assert plan.ladder[0].phases == plan.phases
    assert plan.notes == ()


def test_a_severe_one_begins_with_three_sessions_a_week_and_says_why() -> None:
    plan = planned(severity="severe")
    assert plan.phases[0].sessions_per_week == 3
    assert sum(phase.sessions for phase in plan.phases) == 24
    assert plan.ladder[0].phases == plan.phases
    assert "three sessions a week" in plan.notes[0]


@pytest.mark.parametrize(("age", "minutes"), [(17, 30), (18, 45), (79, 45), (80, 30), (None, 45)])
def test_the_old_and_the_young_have_shorter_sessions(age: int | None, minutes: int) -> None:
    assert planned(age_years=age).session_minutes == minutes


@pytest.mark.parametrize("risk", ["pacemaker", "implantable-defibrillator", "insulin-pump", "severe-bleeding-disorder"])
def test_a_hard_stop_withholds_the_plan(risk: str) -> None:
    said, withheld = consultations.complete(NEW, consultation(contraindications=(risk, "pregnancy")), NOW).facts
    assert isinstance(said, ConsultationCompleted)
    assert isinstance(withheld, PlanWithheld)
    assert (withheld.contraindications, withheld.reason != "") == ((risk,), True)


def test_a_warning_and_an_unknown_risk_go_into_the_notes() -> None:
    plan = planned(contraindications=("anticoagulants", "epilepsy"))
    assert [("anticoagulants" in note, "epilepsy" in note) for note in plan.notes] == [(True, False), (False, True)]


def test_a_pacemaker_only_warns_where_needles_are_not_stimulated() -> None:
    plan = planned(condition="M54.50", contraindications=("pacemaker",))
    assert (plan.protocol_id, plan.session_minutes) == ("low-back-pain-acupuncture", 30)
    assert "by hand only" in plan.notes[0]


def test_a_condition_that_no_protocol_treats_is_passed_on_without_a_plan() -> None:
    decision = consultations.complete(NEW, consultation(condition="I10"), NOW)
    assert [type(fact) for fact in decision.facts] == [ConsultationCompleted]


@pytest.mark.parametrize("starts_on", ["2026-03-01", "2027-03-04", "9999-12-31"])
def test_a_start_before_the_consultation_or_a_year_after_is_refused(starts_on: str) -> None:
    with pytest.raises(Refused) as refusal:
        consultations.complete(NEW, consultation(starts_on=starts_on), NOW)
    assert refusal.value.pointer == "/starts_on"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"measure": "nonsense"}, "/reading/measure"),
        ({"unit": "mm"}, "/reading/unit"),
        ({"value": 10.5}, "/reading/value"),
        ({"value": -1}, "/reading/value"),
        ({"measure": "dorsiflexor-strength", "unit": "N", "value": 0}, "/reading/value"),
    ],
)
def test_a_reading_that_can_not_be_is_refused_with_its_place(changes: dict[str, Any], pointer: str) -> None:
    fact = MeasurementRecorded.model_validate({**WHO, "reading": reading(**changes)})
    with pytest.raises(Refused) as refusal:
        recording.record_measurement(NEW, fact, NOW)
    assert (refusal.value.pointer, bool(refusal.value.remedy)) == (pointer, True)


def session(**changes: Any) -> SessionLogged:
    return SessionLogged.model_validate({**WHO, "session_id": "s1", "started_at": NOW, "minutes": 45, **changes})


def test_a_session_counts_once_and_another_story_under_its_id_is_refused() -> None:
    logged = recording.log_session(NEW, session(), NOW)
    assert logged.facts == (session(),)
    again = recording.log_session(logged.state, session(), NOW)
    assert (again.state is logged.state, again.facts) == (True, ())
    with pytest.raises(Refused, match="other content") as refusal:
        recording.log_session(logged.state, session(minutes=30), NOW)
    assert "session.voided" in refusal.value.remedy


def test_voiding_twice_is_voiding_once_even_at_another_time() -> None:
    gone = SessionVoided.model_validate({**WHO, "session_id": "s1", "voided_at": NOW})
    voided = recording.void(NEW, gone, NOW)
    later = gone.model_copy(update={"voided_at": datetime(2026, 3, 9, tzinfo=UTC)})
    assert recording.void(voided.state, later, NOW).facts == ()


def proposal(plan_id: str, *, version: int = 1, to_step: int = 1, name: str = "pr-1") -> PlanAdjustmentProposed:
    content = {
        "plan_id": plan_id, "proposal_id": name, "plan_version": version, "from_step": to_step - 1,
        "to_step": to_step, "proposed_at": NOW, "reason": "Better.", "evidence": {"rule_version": 1},
    }  # fmt: skip
    return PlanAdjustmentProposed.model_validate(WHO | content)


def approval(plan_id: str, name: str = "pr-1") -> PlanAdjustmentApproved:
    content = {"plan_id": plan_id, "proposal_id": name, "decided_by": "st-ada", "decided_at": NOW}
    return PlanAdjustmentApproved.model_validate(WHO | content)


def declined(plan_id: str) -> PlanAdjustmentDeclined:
    return PlanAdjustmentDeclined.model_validate(approval(plan_id).model_dump())


def opened() -> tuple[PatientFile, PlanCreated]:
    decision = consultations.complete(NEW, consultation(), NOW)
    plan = decision.facts[1]
    assert isinstance(plan, PlanCreated)
    return decision.state, plan


def only(facts: tuple[Fact, ...], kind: type[Any]) -> Any:
    (found,) = [fact for fact in facts if isinstance(fact, kind)]
    return found


def test_an_approved_step_down_is_the_next_version_from_the_next_day() -> None:
    file, plan = opened()
    file = adjustments.keep_proposal(file, proposal(plan.plan_id), NOW).state
    adjusted = only(adjustments.approve(file, approval(plan.plan_id), NOW).facts, PlanAdjusted)
    assert (adjusted.plan_version, adjusted.step, adjusted.effective_on) == (2, 1, date(2026, 3, 3))
    assert adjusted.phases == plan.ladder[1].phases


def test_an_approval_that_comes_before_its_proposal_is_applied_when_that_comes() -> None:
    file, plan = opened()
    early = adjustments.approve(file, approval(plan.plan_id), NOW)
    assert [type(fact) for fact in early.facts] == [PlanAdjustmentApproved]
    adjusted = only(adjustments.keep_proposal(early.state, proposal(plan.plan_id), NOW).facts, PlanAdjusted)
    assert adjusted.proposal_id == "pr-1"


def test_discharge_ends_the_plan_and_a_later_end_is_refused() -> None:
    file, plan = opened()
    file = adjustments.keep_proposal(file, proposal(plan.plan_id, to_step=4), NOW).state
    decision = adjustments.approve(file, approval(plan.plan_id), NOW)
    assert only(decision.facts, PlanAdjusted).phases == ()
    assert only(decision.facts, PlanEnded).reason == "discharged"
    moved_away = PlanEnded.model_validate({**WHO, "plan_id": plan.plan_id, "reason": "transferred", "ended_at": NOW})
    with pytest.raises(Refused):
        adjustments.end(decision.state, moved_away, NOW)


def test_an_approval_of_a_plan_that_moved_on_is_refused() -> None:
    file, plan = opened()
    for name in ("pr-1", "pr-2"):
        file = adjustments.keep_proposal(file, proposal(plan.plan_id, name=name), NOW).state
    file = adjustments.approve(file, approval(plan.plan_id), NOW).state
    with pytest.raises(Refused, match="changed or ended"):
        adjustments.approve(file, approval(plan.plan_id, "pr-2"), NOW)


def test_what_is_declined_stays_declined() -> None:
    file, plan = opened()
    decision = adjustments.decline(file, declined(plan.plan_id), NOW)
    assert [type(fact) for fact in decision.facts] == [PlanAdjustmentDeclined]
    assert adjustments.keep_proposal(decision.state, proposal(plan.plan_id), NOW).facts == ()
    with pytest.raises(Refused, match="decided already"):
        adjustments.approve(decision.state, approval(plan.plan_id), NOW)


def test_an_id_that_another_patient_has_is_refused() -> None:
    logged = recording.log_session(NEW, session(), NOW).state
    other = logged._replace(patient_id="p2")
    with pytest.raises(Refused, match="another patient"):
        recording.log_session(other, session(patient_id="p2"), NOW)
