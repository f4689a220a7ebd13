"""How FHIR resources are called that follow from a fact, so that one can be found by its id alone."""

import re
from collections.abc import Iterator
from typing import Final, Literal

from shared.events.base import Fact
from shared.events.intake import (
    AdverseEventRecorded,
    MeasurementCorrected,
    MeasurementRecorded,
    PlanAdjusted,
    PlanCreated,
    SessionLogged,
)
from shared.ids import derived_id

ResourceType = Literal[
    "AdverseEvent", "CarePlan", "Encounter", "EpisodeOfCare", "Goal", "Observation", "Patient", "Procedure"
]

_FHIR_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")


def fhir_id(*parts: str | int) -> str:
    """The parts joined by a point where FHIR allows that as an id, else an id derived from them."""
    joined = ".".join(map(str, parts))
    return joined if _FHIR_ID.fullmatch(joined) else derived_id("fhir", *parts)


def names_in(fact: Fact) -> Iterator[tuple[ResourceType, str]]:
    """Types and ids of the resources that begin with `fact`."""
    match fact:
        case PlanCreated():
            yield "EpisodeOfCare", fhir_id(fact.plan_id)
            yield "CarePlan", fhir_id(fact.plan_id, fact.plan_version)
            for rule in fact.milestones:
                yield "Goal", fhir_id(fact.plan_id, rule.milestone)
        case PlanAdjusted():
            yield "CarePlan", fhir_id(fact.plan_id, fact.plan_version)
        case SessionLogged():
            yield from _names_in_session(fact)
        case MeasurementRecorded() | MeasurementCorrected():
            yield "Observation", fhir_id(fact.reading.measurement_id)
        case AdverseEventRecorded():
            yield "AdverseEvent", fhir_id(fact.adverse_event.adverse_event_id)
        case _:
            return


def _names_in_session(session: SessionLogged) -> Iterator[tuple[ResourceType, str]]:
    yield "Encounter", fhir_id(session.session_id)
    yield "Procedure", fhir_id(session.session_id)
    for reading in session.readings:
        yield "Observation", fhir_id(reading.measurement_id)
    for event in session.adverse_events:
        yield "AdverseEvent", fhir_id(event.adverse_event_id)
