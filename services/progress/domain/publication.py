"""Telling the world what changed: the verdicts of now against what was published before."""

from collections.abc import Iterator
from itertools import zip_longest

from services.progress.domain.course import Course
from services.progress.domain.news import News, baseline_news, milestone_news
from services.progress.domain.record import PatientRecord, Published, Subject
from services.progress.domain.signals import Plateau, Regression
from services.progress.domain.taper import FAILED_TAPERS, Proposal
from services.progress.domain.verdicts import Verdicts
from shared.events.progress import (
    PlanAdjustmentProposed,
    PlanReviewDue,
    PlateauSuspected,
    RegressionDetected,
    RetractionCause,
)


def news_of(record: PatientRecord, verdicts: Verdicts, before: Verdicts | None, cause: RetractionCause) -> list[News]:
    """What is so by `verdicts` and was not told yet, in the order in which it should be told.

    What is the same as `before` was told of then, and is not looked at. Baselines are: `before` is of
    the same course, which has gone on.
    """
    course = verdicts.course
    news: list[News] = []
    if not before:
        news += baseline_news(record, course)
    for verdict, known in zip_longest(verdicts.milestones, before.milestones if before else ()):
        if verdict is not known:
            news += milestone_news(record, course, verdict, cause)
    if not before or verdicts.regressions is not before.regressions:
        news += (item for each in verdicts.regressions for item in _regression(record, course, each))
    if not before or verdicts.plateaus is not before.plateaus:
        news += (item for each in verdicts.plateaus for item in _plateau(record, course, each))
    if not before or verdicts.proposals is not before.proposals:
        news += (item for each in verdicts.proposals for item in _proposal(record, course, each))
    if not before:
        news += _reviews(record, course)
    return news


def _reviews(record: PatientRecord, course: Course) -> Iterator[News]:
    """The second step back, and each after it, holds the course until it is reviewed."""
    for steps_back, stage in enumerate(course.steps_back, start=1):
        subject = Subject("review", course.plan_id, str(stage.version))
        if steps_back < FAILED_TAPERS or subject in record.published:
            continue
        fact = PlanReviewDue(
            clinic_id=record.clinic_id,
            patient_id=record.patient_id,
            plan_id=course.plan_id,
            plan_version=stage.version,
            steps_back=steps_back,
            due_on=stage.since,
        )
        yield News(subject, Published(steps_back, True, None), fact)


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
