"""Telling the world what changed: the verdicts of now against what was published before."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from services.progress.domain.course import Course
from services.progress.domain.news import News, baseline_news, milestone_news
from services.progress.domain.record import PatientRecord, Published, Subject
from services.progress.domain.signals import Plateau, Regression
from services.progress.domain.taper import Proposal
from services.progress.domain.verdicts import Verdicts, judge
from shared.events.progress import PlanAdjustmentProposed, PlateauSuspected, RegressionDetected, RetractionCause
from shared.messaging.message import Decision


def publish(record: PatientRecord, cause: RetractionCause) -> Decision[PatientRecord]:
    """Judge the record anew and publish what is not published yet.

    `cause` is why a milestone that is no longer confirmed would be taken back.
    """
    news = [item for verdicts in judge(record) for item in _news(record, verdicts, cause)]
    if not news:
        return Decision(record)
    published = {**record.published, **{item.subject: item.stands for item in news}}
    return Decision(replace(record, published=published), tuple(item.fact for item in news))


def _news(record: PatientRecord, verdicts: Verdicts, cause: RetractionCause) -> Iterator[News]:
    course = verdicts.course
    told_once = chain(
        (_regression(record, course, regression) for regression in verdicts.regressions),
        (_plateau(record, course, plateau) for plateau in verdicts.plateaus),
        (_proposal(record, course, proposal) for proposal in verdicts.proposals),
    )
    return chain(
        baseline_news(record, course),
        *(milestone_news(record, course, verdict, cause) for verdict in verdicts.milestones),
        (item for item in told_once if item.subject not in record.published),
    )


def _regression(record: PatientRecord, course: Course, regression: Regression) -> News:
    series, reading = regression.series, regression.series.readings[regression.at]
    fact = RegressionDetected(
        clinic_id=record.clinic_id,
        patient_id=record.patient_id,
        plan_id=course.plan_id,
        measure=series.spec.measure,
        side=series.side,
        detected_at=regression.detected_at,
        reading_id=reading.measurement_id,
        evidence=regression.evidence,
    )
    subject = Subject("regression", course.plan_id, f"{fact.measure}/{fact.reading_id}")
    return News(subject, Published(1, True, fact.evidence), fact)


def _plateau(record: PatientRecord, course: Course, plateau: Plateau) -> News:
    fact = PlateauSuspected(
        clinic_id=record.clinic_id,
        patient_id=record.patient_id,
        plan_id=course.plan_id,
        measure=plateau.series.spec.measure,
        review=plateau.review,
        evidence=plateau.evidence,
    )
    subject = Subject("plateau", course.plan_id, f"{fact.measure}/{fact.review}")
    return News(subject, Published(1, True, fact.evidence), fact)


def _proposal(record: PatientRecord, course: Course, proposal: Proposal) -> News:
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
    return News(
        Subject("proposal", course.plan_id, fact.proposal_id), Published(proposal.version, True, fact.evidence), fact
    )
