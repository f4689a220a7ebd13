"""All resources of a patient, made from the facts."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final

import orjson

from services.console.api.fhir.care import care_plans, episode
from services.console.api.fhir.goals import goals
from services.console.api.fhir.recorded import adverse_event, encounter, observation, procedure
from services.console.api.fhir.terms import Known, Resource, resource
from services.console.domain.courses import courses_of
from services.console.domain.records import records_of
from shared.events.base import Fact
from shared.events.intake import PatientRegistered, PatientUpdated
from shared.protocols import Protocols

_VERSION_DIGITS: Final = 16


def everything(
    patient_id: str, facts: Sequence[Fact], protocols: Protocols, plan_id: str | None = None
) -> list[Resource]:
    """The patient, then each course (or the one of `plan_id`) with its plans and goals, then what was recorded.

    Versions are digests of content: the same facts give the same version, in whatever order they came.
    """
    contact = next((fact for fact in facts if isinstance(fact, PatientRegistered | PatientUpdated)), None)
    records = records_of(facts)
    known = Known(patient_id, contact, records, courses_of(facts, records), protocols)
    found = [one for of_plan, one in _resources(known) if plan_id in {None, of_plan}]
    return [_versioned(one) for one in (_patient(known), *found)]


def _resources(known: Known) -> Iterator[tuple[str | None, Resource]]:
    """Each with the plan that it belongs to."""
    for course in known.courses:
        for one in (episode(known, course), *care_plans(known, course), *goals(known, course)):
            yield course.plan.plan_id, one
    courses = {course.plan.plan_id: course for course in known.courses}
    for session in known.records.sessions:
        yield session.plan_id, encounter(known, session)
        yield session.plan_id, procedure(known, session, courses.get(session.plan_id or ""))
    for reading in known.records.readings:
        yield reading.plan_id, observation(known, reading)
    for event in known.records.adverse_events:
        yield event.plan_id, adverse_event(known, event)


def _patient(known: Known) -> Resource:
    """Who it is, as far as the clinic has told; others refer to it all the same."""
    if known.contact is None:
        return resource("Patient", (known.patient_id,))
    contact = known.contact.contact
    telecom = [("email", contact.email), ("phone", contact.phone)]
    return resource(
        "Patient",
        (known.patient_id,),
        name=[{"text": contact.name}],
        telecom=[{"system": system, "value": str(value)} for system, value in telecom if value] or None,
        birthDate=str(contact.birth_date) if contact.birth_date else None,
        communication=[{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": contact.language}]}}],
    )


def _versioned(content: Resource) -> Resource:
    digest = sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return {**content, "meta": {"versionId": digest[:_VERSION_DIGITS]}}
