"""What is new about a course's baselines and milestones, against what was published before."""

from collections.abc import Iterator
from typing import NamedTuple

from services.progress.domain.course import Course
from services.progress.domain.milestones import Verdict, present_evidence
from services.progress.domain.record import PatientRecord, Published, Subject
from services.progress.domain.series import Baseline, Series
from shared.events.base import Fact
from shared.events.progress import (
    BaselineSet,
    Evidence,
    MilestoneNotEvaluable,
    MilestoneReached,
    MilestoneRetracted,
    RetractionCause,
)


class News(NamedTuple):
    """One fact to publish, and how its subject stands from then on."""

    subject: Subject
    stands: Published
    fact: Fact


def baseline_news(record: PatientRecord, course: Course) -> Iterator[News]:
    """A baseline that is settled, or has changed since it was."""
    for series in course.series.values():
        baseline = series.baseline
        if baseline is None:
            continue
        subject = Subject("baseline", course.plan_id, series.name)
        known = record.published.get(subject)
        if known is None or not _rests_on(known.evidence, series):
            revision = known.number + 1 if known else 1
            stands = Published(revision, True, _baseline_evidence(series, baseline))
            yield News(subject, stands, _baseline_set(record, course, series, baseline, revision))


def milestone_news(record: PatientRecord, course: Course, verdict: Verdict, cause: RetractionCause) -> Iterator[News]:
    """A milestone reached or taken back; at most one stands per course, milestone and rule version."""
    name = f"{verdict.rule.milestone}/{verdict.rule.rule_version}"
    subject = Subject("milestone", course.plan_id, name)
    known = record.published.get(subject)
    if known and known.standing and not verdict.reached_at:
        retracted = _retracted(record, course, verdict, known, cause)
        yield News(subject, known._replace(standing=False, cause=retracted.cause), retracted)
    elif verdict.reached_at and verdict.evidence and not (known and known.standing):
        occurrence = known.number + 1 if known else 1
        reached = MilestoneReached(
            clinic_id=record.clinic_id,
            patient_id=record.patient_id,
            plan_id=course.plan_id,
            milestone=verdict.rule.milestone,
            rule_version=verdict.rule.rule_version,
            occurrence=occurrence,
            title=verdict.rule.title,
            reached_at=verdict.reached_at,
            evidence=verdict.evidence,
        )
        yield News(subject, Published(occurrence, True, verdict.evidence), reached)
    if verdict.not_evaluable:
        yield from _not_evaluable(record, course, verdict, name)


def _not_evaluable(record: PatientRecord, course: Course, verdict: Verdict, name: str) -> Iterator[News]:
    """Told once, whatever comes later: a milestone reached after all is news of its own."""
    subject = Subject("not-evaluable", course.plan_id, name)
    if subject in record.published:
        return
    fact = MilestoneNotEvaluable(
        clinic_id=record.clinic_id,
        patient_id=record.patient_id,
        plan_id=course.plan_id,
        milestone=verdict.rule.milestone,
        rule_version=verdict.rule.rule_version,
        reason=verdict.not_evaluable,
    )
    yield News(subject, Published(1, True, None), fact)


def _retracted(
    record: PatientRecord, course: Course, verdict: Verdict, known: Published, cause: RetractionCause
) -> MilestoneRetracted:
    before = known.evidence or Evidence(rule_version=verdict.rule.rule_version)
    return MilestoneRetracted(
        clinic_id=record.clinic_id,
        patient_id=record.patient_id,
        plan_id=course.plan_id,
        milestone=verdict.rule.milestone,
        rule_version=verdict.rule.rule_version,
        occurrence=known.number,
        title=verdict.rule.title,
        cause="baseline_change" if _baseline_changed(course, before) else cause,
        before=before,
        after=present_evidence(course, verdict.rule),
    )


def _baseline_changed(course: Course, before: Evidence) -> bool:
    """Whether no series of the measure has the baseline any more that the milestone rested on."""
    return before.baseline is not None and not any(
        _rests_on(before, series) for series in course.series_of_measure(before.measure)
    )


def _rests_on(evidence: Evidence | None, series: Series) -> bool:
    """Whether `evidence` rests on the series' present baseline."""
    baseline = series.baseline
    return (
        evidence is not None
        and baseline is not None
        and evidence.baseline_readings == baseline.ids
        and evidence.baseline == series.value(baseline.level)
    )


def _baseline_evidence(series: Series, baseline: Baseline) -> Evidence:
    return Evidence(
        rule_version=1,
        measure=series.spec.measure,
        side=series.side,
        rater=series.rater,
        baseline=series.value(baseline.level),
        baseline_readings=baseline.ids,
        values=tuple(reading.value for reading in baseline.readings),
    )


def _baseline_set(
    record: PatientRecord, course: Course, series: Series, baseline: Baseline, revision: int
) -> BaselineSet:
    return BaselineSet(
        clinic_id=record.clinic_id,
        patient_id=record.patient_id,
        plan_id=course.plan_id,
        measure=series.spec.measure,
        side=series.side,
        device=series.device,
        rater=series.rater,
        value=series.value(baseline.level),
        unit=series.spec.unit,
        readings=baseline.ids,
        revision=revision,
    )
