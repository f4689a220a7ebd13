"""What the page of a course shows, made from the patient's facts: how it stands, why, and what is to be decided."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

from services.console.api.course_charts import Chart, charts_of
from services.console.api.evidence import explained
from services.console.api.words import Reader
from services.console.domain.courses import Course, courses_of
from services.console.domain.fhir_names import fhir_id
from services.console.domain.records import AdverseEventRecord, Records, of_kind, records_of
from services.console.domain.timeline import Entry, timeline
from shared.clinics import Clinic
from shared.events.base import Fact
from shared.events.clinical import MilestoneRule, Phase
from shared.events.intake import ConsultationCompleted, PatientRegistered, PatientUpdated
from shared.protocols import Contraindication, Protocol, Protocols

_HARMFUL: Final = 2
"""From this grade on, an adverse event is a warning on the page (CTCAE 5.0: moderate)."""

MilestoneState = Literal["reached", "taken-back", "not-evaluable", "not-yet"]


class Milestone(NamedTuple):
    """A milestone of the plan, how it stands and why."""

    rule: MilestoneRule
    state: MilestoneState
    at: datetime | None
    why: str


class CoursePage(NamedTuple):
    """Everything on the page."""

    course: Course
    patient_name: str
    protocol: Protocol | None
    phases: Sequence[Phase]
    """Of the plan as it stands."""
    risks: Sequence[Contraindication]
    """Known of the patient, by which the protocol warns."""
    harms: Sequence[AdverseEventRecord]
    milestones: Sequence[Milestone]
    charts: Sequence[Chart]
    entries: Sequence[Entry]
    people: Mapping[str, str]
    """Names of practitioners and staff, by id."""
    rooms: Mapping[str, str]


def course_page(
    facts: Sequence[Fact], plan_id: str, protocols: Protocols, clinic: Clinic | None, reader: Reader
) -> CoursePage | None:
    """The page of one course; None where its plan is not known yet."""
    records = records_of(facts)
    course = next(
        (one for one in courses_of(facts, records) if plan_id in {one.plan.plan_id, fhir_id(one.plan.plan_id)}), None
    )
    if course is None:
        return None
    protocol = protocols.by_id.get(course.plan.protocol_id)
    return CoursePage(
        course=course,
        patient_name=_name(facts),
        protocol=protocol,
        phases=course.adjustments[-1].phases if course.adjustments else course.plan.phases,
        risks=list(_risks(facts, course, protocol)),
        harms=_harms(records, course.plan.plan_id),
        milestones=[_milestone(course, rule, reader.language) for rule in course.plan.milestones],
        charts=charts_of(course, *reader),
        entries=timeline(facts, records, course.plan.plan_id),
        people=_people(clinic),
        rooms={room.id: room.name for room in clinic.rooms} if clinic else {},
    )


def _name(facts: Iterable[Fact]) -> str:
    contact = next((fact for fact in facts if isinstance(fact, PatientRegistered | PatientUpdated)), None)
    return contact.contact.name if contact else ""


def _people(clinic: Clinic | None) -> Mapping[str, str]:
    return {one.id: one.name for one in (*clinic.practitioners, *clinic.staff)} if clinic else {}


def _risks(facts: Sequence[Fact], course: Course, protocol: Protocol | None) -> Iterator[Contraindication]:
    """What the consultation found that the protocol warns of."""
    consultations = of_kind(facts, ConsultationCompleted)
    known = {code for one in consultations for code in one.contraindications if _led_to(one, course)}
    yield from (risk for risk in (protocol.contraindications if protocol else ()) if risk.code in known)


def _led_to(consultation: ConsultationCompleted, course: Course) -> bool:
    return consultation.consultation_id == course.plan.consultation_id


def _harms(records: Records, plan_id: str) -> list[AdverseEventRecord]:
    """The course's adverse events that were more than mild, newest first."""
    found = [one for one in records.adverse_events if one.plan_id == plan_id and one.event.grade >= _HARMFUL]
    return found[::-1]


def _milestone(course: Course, rule: MilestoneRule, language: str) -> Milestone:
    for reached in course.milestones:
        if reached.milestone == rule.milestone:
            return Milestone(rule, "reached", reached.reached_at, explained(reached, language))
    for gone in course.retracted:
        if gone.milestone == rule.milestone:
            return Milestone(rule, "taken-back", None, explained(gone, language))
    for one in course.still_not_evaluable():
        if one.milestone == rule.milestone:
            return Milestone(rule, "not-evaluable", None, explained(one, language))
    return Milestone(rule, "not-yet", None, "")
