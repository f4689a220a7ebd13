"""What a published fact says of its subject: how `Published` follows from the log alone."""

from collections.abc import Iterable, Mapping

from services.progress.domain.record import PatientRecord, Published, Subject
from services.progress.domain.series import name_of
from shared.events.base import Fact
from shared.events.progress import (
    AdverseEventReported,
    BaselineSet,
    Evidence,
    MilestoneFact,
    MilestoneNotEvaluable,
    MilestoneReached,
    MilestoneRetracted,
    PlanAdjustmentProposed,
    PlanReviewDue,
    PlateauSuspected,
    RegressionDetected,
)


def told_by(record: PatientRecord, facts: Iterable[Fact]) -> Mapping[Subject, Published]:
    """How the subjects of `facts` stand once these were published, one after another."""
    told: dict[Subject, Published] = {}
    for fact in facts:
        subject, stands = _of_milestone(record, told, fact) if isinstance(fact, MilestoneFact) else _of(record, fact)
        told[subject] = stands
    return told


def _of(record: PatientRecord, fact: Fact) -> tuple[Subject, Published]:
    match fact:
        case BaselineSet():
            series = name_of(fact.measure, fact.side, fact.device, fact.rater)
            return Subject("baseline", fact.plan_id, series), Published(fact.revision, True, _baseline(record, fact))
        case RegressionDetected():
            name = f"{fact.evidence.measure}/{fact.reading_id}"
            return Subject("regression", fact.plan_id, name), Published(1, True, fact.evidence)
        case PlateauSuspected():
            name = f"{fact.measure}/{fact.review}"
            return Subject("plateau", fact.plan_id, name), Published(1, True, fact.evidence)
        case PlanAdjustmentProposed():
            stands = Published(fact.plan_version, True, fact.evidence)
            return Subject("proposal", fact.plan_id, fact.proposal_id), stands
        case PlanReviewDue():
            return Subject("review", fact.plan_id, str(fact.plan_version)), Published(fact.steps_back, True, None)
        case AdverseEventReported():
            return Subject("adverse-event", "", fact.adverse_event_id), Published(fact.grade, True, None)
        case _:
            raise TypeError(f"{fact.NAME} tells of no subject: add it to telling.py")


def _of_milestone(
    record: PatientRecord, told: Mapping[Subject, Published], fact: MilestoneFact
) -> tuple[Subject, Published]:
    name = f"{fact.milestone}/{fact.rule_version}"
    if isinstance(fact, MilestoneNotEvaluable):
        return Subject("not-evaluable", fact.plan_id, name), Published(1, True, None)
    subject = Subject("milestone", fact.plan_id, name)
    known = told.get(subject) or record.published.get(subject)
    if isinstance(fact, MilestoneReached):
        return subject, Published(fact.occurrence, True, fact.evidence)
    assert isinstance(fact, MilestoneRetracted)
    return subject, Published(fact.occurrence, False, known.evidence if known else fact.before, fact.cause)


def _baseline(record: PatientRecord, fact: BaselineSet) -> Evidence:
    """The fact leaves the values out: they are those of its readings."""
    values = (record.readings[name].value for name in fact.readings if name in record.readings)
    return Evidence(
        rule_version=1,
        measure=fact.measure,
        side=fact.side,
        rater=fact.rater,
        baseline=fact.value,
        baseline_readings=fact.readings,
        values=tuple(values),
    )
