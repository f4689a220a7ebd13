"""What was recorded: Observations, and of each session an Encounter and a Procedure; adverse events."""

from typing import Any, Final

from services.console.api.fhir.terms import (
    TERMINOLOGY,
    Known,
    Resource,
    concept,
    measure_concept,
    moment,
    person,
    quantity,
    reference,
    resource,
)
from services.console.domain.courses import Course
from services.console.domain.records import AdverseEventRecord, ReadingRecord, ReadingState, SessionRecord
from shared.events.clinical import NeedlePoint

NEEDLE_POINT: Final = "urn:stride:fhir:needle-point"
"""Extension of a body site: how a point was needled, after STRICTA 2010."""

_STATUSES: Final[dict[ReadingState, str]] = {
    "as-recorded": "final",
    "amended": "amended",
    "corrected": "corrected",
    "voided": "entered-in-error",
}
_SEVERITIES: Final = {1: "mild", 2: "moderate"}


def observation(known: Known, record: ReadingRecord) -> Resource:
    """A reading at its newest revision."""
    reading = record.reading
    return resource(
        "Observation",
        (reading.measurement_id,),
        status=_STATUSES[record.state],
        code=measure_concept(known.protocols, reading.measure),
        subject=reference("Patient", known.patient_id),
        encounter=reference("Encounter", record.session_id) if record.session_id else None,
        partOf=[reference("Procedure", record.session_id)] if record.session_id else None,
        effectiveDateTime=moment(reading.effective_at),
        performer=[person("Practitioner", reading.rater)] if reading.rater else None,
        valueQuantity=quantity(reading.value, reading.unit),
        bodySite=concept(reading.side.value) if reading.side else None,
        device=person("Device", reading.device) if reading.device else None,
    )


def encounter(known: Known, record: SessionRecord) -> Resource:
    """A session as a visit."""
    session = record.session
    return resource(
        "Encounter",
        (session.session_id,),
        status="entered-in-error" if record.voided else "finished",
        **{"class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}},
        subject=reference("Patient", known.patient_id),
        episodeOfCare=[reference("EpisodeOfCare", record.plan_id)] if record.plan_id else None,
        period=_period(record),
    )


def procedure(known: Known, record: SessionRecord, course: Course | None) -> Resource:
    """A session as treatment, with the points that were needled."""
    session = record.session
    return resource(
        "Procedure",
        (session.session_id,),
        status="entered-in-error" if record.voided else "completed",
        basedOn=[reference("CarePlan", course.plan.plan_id, _version_at(course, record))] if course else None,
        code=_code(known, course),
        subject=reference("Patient", known.patient_id),
        encounter=reference("Encounter", session.session_id),
        performedPeriod=_period(record),
        performer=[{"actor": person("Practitioner", session.practitioner_id)}] if session.practitioner_id else None,
        bodySite=[_point(point) for point in session.points] or None,
    )


def adverse_event(known: Known, record: AdverseEventRecord) -> Resource:
    """An adverse event at its worst grade; FHIR R4 knows three severities, CTCAE five grades."""
    event = record.event
    severity = _SEVERITIES.get(event.grade, "severe")
    event_resource = resource(
        "AdverseEvent",
        (event.adverse_event_id,),
        actuality="actual",
        event=concept(event.term),
        subject=reference("Patient", known.patient_id),
        encounter=reference("Encounter", record.session_id) if record.session_id else None,
        date=moment(event.occurred_at),
        severity=concept(f"CTCAE 5.0 grade {event.grade}", (f"{TERMINOLOGY}adverse-event-severity", severity)),
    )
    # The only resource here that has one identifier, not several.
    return {**event_resource, "identifier": event_resource["identifier"][0]}


def _period(record: SessionRecord) -> Resource:
    return {"start": moment(record.session.started_at), "end": moment(record.ended_at)}


def _version_at(course: Course, record: SessionRecord) -> int:
    """The version of the plan that held on the session's day."""
    day = record.session.started_at.date()
    return max((a.plan_version for a in course.adjustments if a.effective_on <= day), default=1)


def _code(known: Known, course: Course | None) -> Resource:
    protocol = known.protocols.by_id.get(course.plan.protocol_id) if course else None
    codes = [(term.system, term.code) for term in protocol.session_codes] if protocol else []
    return concept(f"Session: {protocol.title}" if protocol else "Session", *codes)


def _point(point: NeedlePoint) -> Resource:
    """A body site, and how it was needled."""
    text = f"{point.point} {point.side.value}" if point.side else point.point
    details: list[Resource] = []
    values: dict[str, Any] = {
        "depth": quantity(point.depth_mm, "mm") if point.depth_mm is not None else None,
        "frequency": quantity(point.frequency_hz, "Hz") if point.frequency_hz is not None else None,
        "current": quantity(point.current_ma, "mA") if point.current_ma is not None else None,
    }
    details += [{"url": name, "valueQuantity": value} for name, value in values.items() if value]
    codes = {"response": point.response, "stimulation": point.stimulation}
    details += [{"url": name, "valueCode": code} for name, code in codes.items() if code]
    extension = {"extension": [{"url": NEEDLE_POINT, "extension": details}]} if details else {}
    return {**concept(text), **extension}
