"""Everything that can be said of a course from its facts: one pure fold.

Judging again after a fact that continues the course looks only at what is new; the result equals
judging everything from the start, which is what happens after any other fact.
"""

from collections.abc import Iterable
from typing import NamedTuple

from services.progress.domain.course import Course, Fresh, continued, courses_of
from services.progress.domain.milestones import Verdict, judged, unjudged
from services.progress.domain.record import PatientRecord, Reading, Session
from services.progress.domain.signals import Plateau, Regression, plateaus_of, regressions_of
from services.progress.domain.taper import Proposal, proposals_of


class Verdicts(NamedTuple):
    """The judgement on one course. Equal facts give equal verdicts, whatever order they came in."""

    course: Course
    milestones: list[Verdict]
    regressions: list[Regression]
    plateaus: list[Plateau]
    proposals: list[Proposal]


def judge(record: PatientRecord) -> list[Verdicts]:
    """The verdicts on all courses of a patient, by plan id."""
    return [_judge(course, record, _unjudged(course), Fresh.all_of(course)) for course in courses_of(record)]


def judge_on(
    before: Verdicts, record: PatientRecord, session: Session | None, readings: Iterable[Reading]
) -> Verdicts | None:
    """The verdicts once a session and readings have come; None where they don't continue the course."""
    continuation = continued(before.course, session, readings)
    return _judge(continuation[0], record, before, continuation[1]) if continuation else None


def _unjudged(course: Course) -> Verdicts:
    """Where judging begins."""
    return Verdicts(course, [unjudged(rule, course.terms) for rule in course.terms.milestones], [], [], [])


def _judge(course: Course, record: PatientRecord, before: Verdicts, fresh: Fresh) -> Verdicts:
    milestones = [judged(course, verdict, fresh) for verdict in before.milestones]
    regressions = regressions_of(course, before.regressions, fresh)
    plateaus = plateaus_of(course, milestones, before.plateaus, fresh)
    proposals = proposals_of(
        course, milestones, regressions, answers=record.answers, known=before.proposals, fresh=fresh
    )
    return Verdicts(course, milestones, regressions, plateaus, proposals)
