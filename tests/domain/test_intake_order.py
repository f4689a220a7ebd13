"""Any order and any repetition of a patient's inputs ends in the same file and the same published facts."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain.chart import PatientFile
from services.intake.domain.inputs import ConditionRead, EncounterRead, PatientRead
from services.intake.domain.planning import plan_id_of
from services.intake.handlers import HANDLERS
from shared.events.base import Fact
from shared.events.console import PlanAdjustmentApproved
from shared.events.intake import (
    AdverseEventRecorded,
    AppointmentChangeRequested,
    ConsultationCompleted,
    MeasurementCorrected,
    MeasurementRecorded,
    MeasurementVoided,
    PatientRegistered,
    PatientUpdated,
    SessionLogged,
    SessionVoided,
)
from shared.events.progress import PlanAdjustmentProposed
from shared.protocols import load_protocols
from shared.settings import ROOT

PROTOCOLS = load_protocols(ROOT / "protocols")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
WHO: dict[str, Any] = {"clinic_id": "riverside", "patient_id": "p1"}
READING = {"measurement_id": "m1", "measure": "pain-nrs", "value": 5, "unit": "{score}", "effective_at": NOW}
BRUISE = {"adverse_event_id": "x", "grade": 1, "term": "bruise", "occurred_at": NOW}
ADA, EVA = ({"name": name, "birth_date": "1990-01-01"} for name in ("Ada", "Eva"))


def made(kind: type[Fact], **content: Any) -> Fact:
    return kind.model_validate(WHO | content)


CONSULTED = ConsultationCompleted.model_validate(
    WHO | {"consultation_id": "c1", "completed_at": NOW, "condition": "M54.50"}
)
PLAN = plan_id_of(CONSULTED)
STEP = {"proposal_id": "pr-1", "plan_id": PLAN}
INPUTS: list[Fact] = [
    made(PatientRegistered, contact=ADA, recorded_at=NOW),
    made(PatientUpdated, contact=EVA, revision=2, recorded_at=NOW),
    made(PatientUpdated, contact=ADA, revision=1, recorded_at=NOW),
    made(EncounterRead, encounter_id="e1", completed_at=NOW, findings=("k1",)),
    made(ConditionRead, condition_id="k1", code="M21.371", side="right", encounter_id="e1"),
    made(ConditionRead, condition_id="k2", code="M21.372", side="left", encounter_id="e2"),
    made(ConditionRead, condition_id="k2", code="M21.372", side="left", withdrawn=True),
    CONSULTED,
    made(
        PlanAdjustmentProposed, **STEP, plan_version=1, from_step=0, to_step=2, proposed_at=NOW, reason="Better.",
        evidence={"rule_version": 1},
    ),
    made(PlanAdjustmentApproved, **STEP, decided_by="st-ada", decided_at=NOW),
    made(SessionLogged, session_id="s1", started_at=NOW, minutes=30, readings=(READING,)),
    made(SessionVoided, session_id="s1", voided_at=NOW),
    made(MeasurementRecorded, reading=READING | {"measurement_id": "m2"}),
    made(MeasurementCorrected, revision=1, reading=READING | {"value": 4}),
    made(MeasurementVoided, measurement_id="m2", voided_at=NOW),
    made(AdverseEventRecorded, adverse_event=BRUISE),
    made(AppointmentChangeRequested, request_id="r", appointment_id="a", change="cancel", requested_at=NOW),
]  # fmt: skip


def run(inputs: list[Fact]) -> tuple[PatientFile, dict[str, Fact]]:
    """The file at the end, and what was published, by event id: the receivers' inboxes drop repeats."""
    file = PatientFile("riverside", "p1", PROTOCOLS)
    published: dict[str, Fact] = {}
    for fact in inputs:
        decision = HANDLERS[type(fact)](file, fact, NOW)
        file = decision.state
        for leaving in decision.facts:
            assert leaving.event_id not in published, "published twice"
            published[leaving.event_id] = leaving
    return file, published


EXPECTED_FILE, EXPECTED_FACTS = run(INPUTS)


def test_the_story_holds_what_it_should() -> None:
    names = sorted(fact.NAME for fact in EXPECTED_FACTS.values())
    assert names.count("consultation.completed") == names.count("plan.created") == 2
    assert {"plan.adjusted", "plan.ended", "plan.adjustment.approved", "session.voided"} <= set(names)


@settings(max_examples=300, deadline=None)
@given(st.permutations(INPUTS), st.lists(st.sampled_from(INPUTS), max_size=12), st.randoms(use_true_random=False))
def test_any_order_and_repetition_ends_the_same(order: list[Fact], repeats: list[Fact], dice: Any) -> None:
    told = list(order)
    for again in repeats:
        # A repeat comes anywhere, also before what is taken here for the first telling.
        told.insert(dice.randint(0, len(told)), again)
    file, published = run(told)
    assert file.chart == EXPECTED_FILE.chart
    assert file.records == EXPECTED_FILE.records
    assert published == EXPECTED_FACTS


def test_fhir_patients_end_with_the_newest_details_in_any_order() -> None:
    reads = [made(PatientRead, contact={"name": name}, revision=n) for n, name in ((1, "A"), (2, "B"), (3, "C"))]
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 2, 0]):
        file, _ = run([reads[number] for number in order])
        assert file.chart.contact is not None
        assert (file.chart.contact.name, file.chart.revision) == ("C", 3)
