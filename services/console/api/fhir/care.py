"""The course as such: EpisodeOfCare, and a CarePlan for each version of its plan."""

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from typing import Final

from services.console.api.fhir.terms import PROTOCOL, UCUM, Known, Resource, concept, reference, resource
from services.console.domain.courses import Course
from shared.events.clinical import Phase
from shared.events.intake import PlanAdjusted

COMPLETED: Final = frozenset({"completed", "discharged"})


def episode(known: Known, course: Course) -> Resource:
    """The course: active until its plan ends."""
    plan = course.plan
    protocol = known.protocols.by_id.get(plan.protocol_id)
    return resource(
        "EpisodeOfCare",
        (plan.plan_id,),
        status="finished" if course.ended else "active",
        type=[concept(protocol.title if protocol else plan.protocol_id)],
        patient=reference("Patient", known.patient_id),
        period=_period(plan.starts_on, course),
    )


def care_plans(known: Known, course: Course) -> Iterator[Resource]:
    """The plan as created, and each version that a taper or another change has put in its place."""
    plan = course.plan
    versions = [(1, plan.step, plan.phases, plan.starts_on, None)]
    versions += [(a.plan_version, a.step, a.phases, a.effective_on, a) for a in course.adjustments]
    for at, (version, step, phases, starts_on, adjustment) in enumerate(versions):
        newest = at == len(versions) - 1
        yield resource(
            "CarePlan",
            (plan.plan_id, version),
            instantiatesUri=[f"{PROTOCOL}{plan.protocol_id}:{plan.protocol_version}"],
            replaces=[reference("CarePlan", plan.plan_id, versions[at - 1][0])] if at else None,
            status=_status(course) if newest else "revoked",
            intent="plan",
            title=_title(course, step, version),
            subject=reference("Patient", known.patient_id),
            period=_period(starts_on, course) if newest else {"start": str(starts_on), "end": str(versions[at + 1][3])},
            supportingInfo=[reference("EpisodeOfCare", plan.plan_id)],
            goal=[reference("Goal", plan.plan_id, rule.milestone) for rule in plan.milestones] or None,
            activity=[_activity(phase) for phase in phases] or None,
            note=_notes(course, adjustment),
        )


def _status(course: Course) -> str:
    if course.ended is None:
        return "active"
    return "completed" if course.ended.reason in COMPLETED else "revoked"


def _title(course: Course, step: int, version: int) -> str:
    rungs = course.plan.ladder
    name = rungs[step].name if step < len(rungs) else str(step)
    return f"{course.plan.protocol_id}, step {step} ({name}), version {version}"


def _period(starts_on: date, course: Course) -> Resource:
    """Until the end of the course; a plan that began after it, on that day."""
    if course.ended is None:
        return {"start": str(starts_on)}
    return {"start": str(starts_on), "end": str(max(starts_on, course.ended.ended_at.date()))}


def _activity(phase: Phase) -> Resource:
    """So many sessions a week, for so many weeks."""
    rate = Fraction(phase.sessions_per_week).limit_denominator(12)
    repeat = {
        "boundsDuration": {"value": phase.weeks, "unit": "weeks", "system": UCUM, "code": "wk"},
        "frequency": rate.numerator,
        "period": rate.denominator,
        "periodUnit": "wk",
    }
    timing = {"repeat": repeat}
    return {"detail": {"code": concept(phase.name), "status": "scheduled", "scheduledTiming": timing}}


def _notes(course: Course, adjustment: PlanAdjusted | None) -> list[Resource] | None:
    texts = course.plan.notes if adjustment is None else (adjustment.reason,)
    return [{"text": text} for text in texts if text] or None
