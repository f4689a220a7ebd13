"""Everything that can be said of a course from its facts: one pure fold.

Judging again after a fact that continues the course looks only at what is new; the result equals
judging everything from the start, which is what happens after any other fact.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from services.progress.domain.course import Course, continued, courses_of
from services.progress.domain.milestones import Verdict, judged
from services.progress.domain.record import PatientRecord, Reading, Session
from services.progress.domain.signals import Plateau, Regression, plateaus_of, regressions_of
from services.progress.domain.taper import Proposal, proposals_of

_NEVER = datetime.max.replace(tzinfo=UTC)


class Verdicts(NamedTuple):
    """The judgement on one course. Equal facts give equal verdicts, whatever order they came in."""

    course: Course
    milestones: list[Verdict]
    regressions: list[Regression]
    plateaus: list[Plateau]
    proposals: list[Proposal]


def judge(record: PatientRecord) -> list[Verdicts]:
    """The verdicts on all courses of a patient, by plan id."""
    return [_judge(course, record, None) for course in courses_of(record)]


def judge_on(
    before: Verdicts, record: PatientRecord, session: Session | None, readings: Iterable[Reading]
) -> Verdicts | None:
    """The verdicts once a session and readings have come; None where they don't continue the course."""
    course = continued(before.course, session, readings)
    return _judge(course, record, before) if course else None


def _judge(course: Course, record: PatientRecord, before: Verdicts | None) -> Verdicts:
    if before is None:
        nothing = course._replace(sessions=(), series={})
        before = Verdicts(nothing, [Verdict(rule) for rule in course.terms.milestones], [], [], [])
    looked_at = {series.name: len(series.readings) for series in before.course.series.values()}
    settled = _settled_until(course, before.course)
    milestones = [judged(course, verdict, looked_at, settled) for verdict in before.milestones]
    regressions = regressions_of(course, before.regressions, looked_at)
    return Verdicts(
        course=course,
        milestones=milestones,
        regressions=regressions,
        plateaus=plateaus_of(course, milestones, known=before.plateaus, settled=settled),
        proposals=proposals_of(
            course, milestones, regressions, record.answers, known=before.proposals, settled=settled
        ),
    )


def _settled_until(course: Course, before: Course) -> datetime:
    """The moment before which `course` has nothing that `before` has not."""
    fresh = [session.started_at for session in course.sessions[len(before.sessions) :][:1]]
    for series in course.series.values():
        known = before.series.get(series.name)
        fresh += [reading.effective_at for reading in series.readings[len(known.readings) if known else 0 :][:1]]
    return min(fresh, default=_NEVER)
