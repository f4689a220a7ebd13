"""A course's measures as charts: readings, baseline band, targets, and what was judged when."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from math import exp
from typing import Final, NamedTuple

from markupsafe import Markup

from services.console.api.words import MONTHS, N_
from services.console.domain.courses import Course, counts, same_series, target_level
from shared.charts import Band, CourseChart, Mark, Picture, ReadingPoint, course_chart, within
from shared.charts.course import Judged
from shared.events.clinical import MeasureSpec, Reading, Side
from shared.events.progress import BaselineSet, Evidence
from shared.explaining import measure_name, unit_name

Translate = Callable[[str], str]

_WORDS: Final = (
    N_("before"), N_("target"), N_("to"), N_("before treatment"), N_("on"), N_("reached"), N_("taken back"),
    N_("worse"), N_("left"), N_("right"), N_("both"),
)  # fmt: skip

_Name = tuple[str, Side | None, str | None, str | None]
"""What makes a series: measure, side, device, and the rater of gradings."""


class Chart(NamedTuple):
    """A measure's picture and its readings, oldest first."""

    title: str
    unit: str
    svg: Markup
    readings: Sequence[Reading]


def charts_of(course: Course, language: str, translate: Translate) -> list[Chart]:
    """One for each series with readings in the plan's unit and range, in the order of the plan's measures."""
    specs = {spec.measure: spec for spec in course.plan.measures}
    series: dict[_Name, list[Reading]] = defaultdict(list)
    for reading in course.readings:
        spec = specs.get(reading.measure)
        if spec and counts(spec, reading):
            series[reading.measure, reading.side, reading.device, reading.rater if spec.by_rater else None].append(
                reading
            )
    order = list(specs)
    named = sorted(series.items(), key=lambda item: (order.index(item[0][0]), str(item[0])))
    return [
        _chart(course, specs[name[0]], name, readings, number=number, language=language, translate=translate)
        for number, (name, readings) in enumerate(named)
    ]


def _chart(
    course: Course,
    spec: MeasureSpec,
    name: _Name,
    readings: Sequence[Reading],
    *,
    number: int,
    language: str,
    translate: Translate,
) -> Chart:
    words = {word: translate(word) for word in (*_WORDS, *MONTHS)}
    baseline = next((one for one in course.baselines if same_series(readings[0], one)), None)
    before = set(baseline.readings) if baseline else set[str]()
    marks = list(_marks(course, {reading.measurement_id for reading in readings}, language, translate))
    unit = unit_name(spec.unit)
    drawn = CourseChart(
        unit=unit,
        readings=[ReadingPoint(r.effective_at, r.value, r.measurement_id in before) for r in readings],
        baseline=_band(spec, baseline) if baseline else None,
        targets=[(words["target"], level) for level in _targets(course, spec)] if baseline else [],
        marks=marks,
        moving=[(words["target"], points) for points in _moving(course, readings)],
        translated=words,
    )
    side = words[name[1].value] if name[1] else ""
    title = ", ".join(filter(None, (measure_name(spec.measure, language), side, name[2], name[3])))
    told = "; ".join(f"{mark.title}: {words[mark.judged]} {mark.taken_at:%Y-%m-%d}" for mark in marks)
    picture = Picture(title, told or title, course_chart(drawn))
    return Chart(title, unit, Markup(within(picture, name=f"measure-{number}")), readings)  # noqa: S704  # escaped there


def _band(spec: MeasureSpec, baseline: BaselineSet) -> Band:
    """The baseline, and what the usual noise of one reading makes of it; gradings have none."""
    level, sigma = baseline.value, 0.0 if spec.by_rater else spec.sigma
    if spec.scale == "log":
        return Band(level, level * exp(-sigma), level * exp(sigma))
    return Band(level, level - sigma, level + sigma)


def _targets(course: Course, spec: MeasureSpec) -> Iterator[float]:
    for rule in course.plan.milestones:
        if rule.measure == spec.measure and (level := target_level(course, rule, spec)) is not None:
            yield level


def _moving(course: Course, readings: Sequence[Reading]) -> Iterator[list[tuple[datetime, float]]]:
    """Where a reached milestone's target moved along an expected curve."""
    known = {reading.measurement_id for reading in readings}
    for one in course.milestones:
        if one.evidence.targets and known.issuperset(one.evidence.readings):
            yield list(zip(one.evidence.taken_at, one.evidence.targets, strict=True))


def _marks(course: Course, known: set[str], language: str, translate: Translate) -> Iterator[Mark]:
    for one in course.milestones:
        yield from _mark(one.evidence, known, "reached", translate(one.title or one.milestone))
    for one in course.retracted:
        yield from _mark(one.before, known, "taken back", translate(one.title or one.milestone))
    for one in course.regressions:
        yield from _mark(one.evidence, known, "worse", measure_name(one.measure, language))


def _mark(evidence: Evidence, known: set[str], judged: Judged, title: str) -> Iterator[Mark]:
    """At the last reading that was judged, where it is of these."""
    if evidence.taken_at and not known.isdisjoint(evidence.readings):
        yield Mark(evidence.taken_at[-1], evidence.values[-1], judged, title)
