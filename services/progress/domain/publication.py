"""Telling the world what changed: the verdicts of now against what was published before."""

from collections.abc import Iterator

from services.progress.domain.course import Course
from services.progress.domain.news import News, baseline_news, milestone_news
from services.progress.domain.record import PatientRecord, Published, Subject
from services.progress.domain.signals import Plateau, Regression
from services.progress.domain.taper import Proposal
from services.progress.domain.verdicts import Verdicts
from shared.events.progress import PlanAdjustmentProposed, PlateauSuspected, RegressionDetected, RetractionCause


def news_of(record: PatientRecord, verdicts: Verdicts, cause: RetractionCause) -> Iterator[News]:
    """What is so by `verdicts` and was not told yet, in the order in which it should be told."""
    course = verdicts.course
    yield from baseline_news(record, course)
    for verdict in verdicts.milestones:
        yield from milestone_news(record, course, verdict, cause)
    for regression in verdicts.regressions:
        yield from _regression(record, course, regression)
    for plateau in verdicts.plateaus:
        yield from _plateau(record, course, plateau)
    for proposal in verdicts.proposals:
        yield from _proposal(record, course, proposal)


def _regression(record: PatientRecord, course: Course, regression: Regression) -> Iterator[News]:
    evidence = regression.evidence
    subject = Subject("regression", course.plan_id, f"{evidence.measure}/{regression.reading_id}")
    if subject in record.published:
        return
    fact = RegressionDetected(
        clinic_id=record.clinic_id,
        patient_id=record.patient_id,
        plan_id=course.plan_id,
        measure=course.series[regression.series].spec.measure,
        side=evidence.side,
        detected_at=regression.detected_at,
        reading_id=regression.reading_id,
        evidence=evidence,
    )
    yield News(subject, Published(1, True, evidence), fact)


def _plateau(record: PatientRecord, course: Course, plateau: Plateau) -> Iterator[News]:
    subject = Subject("plateau", course.plan_id, f"{plateau.measure}/{plateau.review}")
    if subject in record.published:
        return
    fact = PlateauSuspected(
        clinic_id=record.clinic_id,
        patient_id=record.patient_id,
        plan_id=course.plan_id,
        measure=plateau.measure,
        review=plateau.review,
        evidence=plateau.evidence,
    )
    yield News(subject, Published(1, True, plateau.evidence), fact)


def _proposal(record: PatientRecord, course: Course, proposal: Proposal) -> Iterator[News]:
    subject = Subject("proposal", course.plan_id, proposal.proposal_id)
    if subject in record.published:
        return
    fact = PlanAdjustmentProposed(
        clinic_id=record.clinic_id,
        patient_id=record.patient_id,
        plan_id=course.plan_id,
        proposal_id=proposal.proposal_id,
        plan_version=proposal.version,
        from_step=proposal.from_step,
        to_step=proposal.to_step,
        proposed_at=proposal.proposed_at,
        reason=proposal.reason,
        evidence=proposal.evidence,
    )
    yield News(subject, Published(proposal.version, True, proposal.evidence), fact)
