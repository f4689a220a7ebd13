"""Everything that can be said of a course from its facts: one pure fold."""

from dataclasses import dataclass

from services.progress.domain.course import Course, courses_of
from services.progress.domain.milestones import Verdict, milestones_of
from services.progress.domain.record import PatientRecord
from services.progress.domain.signals import Plateau, Regression, plateaus_of, regressions_of
from services.progress.domain.taper import Proposal, proposals_of


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The judgement on one course. Equal facts give equal verdicts, whatever order they came in."""

    course: Course
    milestones: list[Verdict]
    regressions: list[Regression]
    plateaus: list[Plateau]
    proposals: list[Proposal]


def judge(record: PatientRecord) -> list[Verdicts]:
    """The verdicts on all courses of a patient, by plan id."""
    return [_judge(course, record) for course in courses_of(record)]


def _judge(course: Course, record: PatientRecord) -> Verdicts:
    milestones, regressions = milestones_of(course), regressions_of(course)
    return Verdicts(
        course=course,
        milestones=milestones,
        regressions=regressions,
        plateaus=plateaus_of(course, milestones),
        proposals=proposals_of(course, milestones, regressions, record.answers),
    )
