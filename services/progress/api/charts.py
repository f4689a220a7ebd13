"""A course's measures as charts: readings, baseline, targets, and what was judged when."""

from collections.abc import Iterator
from datetime import datetime

from services.progress.domain.course import Course
from services.progress.domain.curves import against
from services.progress.domain.milestones import target_of
from services.progress.domain.record import PatientRecord, Subject
from services.progress.domain.series import Baseline, Series
from services.progress.domain.verdicts import Verdicts
from shared.charts import Band, CourseChart, Mark, Picture, ReadingPoint, course_chart
from shared.charts.course import Judged
from shared.events.clinical import MilestoneRule
from shared.events.progress import Evidence
from shared.explaining import measure_name, unit_name


def pictures(record: PatientRecord, verdicts: Verdicts, measure: str | None) -> list[Picture]:
    """One for each series, or those of one measure."""
    course = verdicts.course
    return [
        _picture(series, record, verdicts)
        for series in course.series.values()
        if measure in {None, series.spec.measure}
    ]


def _picture(series: Series, record: PatientRecord, verdicts: Verdicts) -> Picture:
    marks = [*_reached(series, verdicts), *_taken_back(series, record, verdicts), *_worse(series, verdicts)]
    baseline = series.baseline
    before = set(baseline.ids) if baseline else set[str]()
    chart = CourseChart(
        unit=unit_name(series.spec.unit) or "points",
        readings=[ReadingPoint(r.effective_at, r.value, r.measurement_id in before) for r in series.readings],
        baseline=_band(series, baseline) if baseline else None,
        targets=_targets(series, verdicts.course, baseline) if baseline else [],
        marks=marks,
        moving=_moving(series, verdicts.course, baseline) if baseline else [],
    )
    title = ", ".join(filter(None, (measure_name(series.spec.measure), series.side, series.device, series.rater)))
    told = "; ".join(f"{mark.title} {mark.judged} on {mark.taken_at:%d %b %Y}" for mark in marks)
    described = f"{len(series.readings)} readings. {told or 'Nothing was judged of them'}."
    return Picture(title, described, course_chart(chart))


def _band(series: Series, baseline: Baseline) -> Band:
    """The baseline, and what the noise of one reading makes of it."""
    sigma = 0.0 if series.spec.by_rater else series.sigma(len(series.readings) - 1)
    low, high = series.value(baseline.level - sigma), series.value(baseline.level + sigma)
    return Band(series.value(baseline.level), low, high)


def _targets(series: Series, course: Course, baseline: Baseline) -> list[tuple[str, float]]:
    rules = [rule for rule in _rules(series, course) if not rule.expected_curve]
    return [("target", series.value(target_of(series, baseline, rule).level)) for rule in rules]


def _moving(series: Series, course: Course, baseline: Baseline) -> list[tuple[str, list[tuple[datetime, float]]]]:
    """Targets along expected curves, at the readings after the baseline; none where no curve reaches so far."""
    moving: list[tuple[str, list[tuple[datetime, float]]]] = []
    for rule in _rules(series, course):
        above = against(course, series, rule) if rule.expected else series
        pairs = zip(above.readings, series.levels, above.levels, strict=False)
        points = [(each.effective_at, series.value(baseline.level + level - rest)) for each, level, rest in pairs]
        if rule.expected and (after := points[baseline.last + 1 :]):
            moving.append(("target", after))
    return moving


def _rules(series: Series, course: Course) -> list[MilestoneRule]:
    return [rule for rule in course.terms.milestones if rule.measure == series.spec.measure and rule.change]


def _reached(series: Series, verdicts: Verdicts) -> Iterator[Mark]:
    for verdict in verdicts.milestones:
        if verdict.series == series.name and verdict.reached_at:
            reading = series.readings[verdict.at]
            yield Mark(reading.effective_at, reading.value, "reached", verdict.rule.title or verdict.rule.milestone)


def _taken_back(series: Series, record: PatientRecord, verdicts: Verdicts) -> Iterator[Mark]:
    for verdict in verdicts.milestones:
        rule = verdict.rule
        subject = Subject("milestone", verdicts.course.plan_id, f"{rule.milestone}/{rule.rule_version}")
        told = record.published.get(subject)
        if told and not told.standing and told.evidence and _is_of(told.evidence, series):
            yield _mark(told.evidence, "taken back", rule.title or rule.milestone)


def _worse(series: Series, verdicts: Verdicts) -> Iterator[Mark]:
    for regression in verdicts.regressions:
        if regression.series == series.name and regression.evidence.taken_at:
            yield _mark(regression.evidence, "worse", measure_name(series.spec.measure))


def _is_of(evidence: Evidence, series: Series) -> bool:
    known = {reading.measurement_id for reading in series.readings}
    return (
        bool(evidence.taken_at) and evidence.measure == series.spec.measure and not known.isdisjoint(evidence.readings)
    )


def _mark(evidence: Evidence, judged: Judged, title: str) -> Mark:
    return Mark(evidence.taken_at[-1], evidence.values[-1], judged, title)
