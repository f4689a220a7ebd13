"""What a verdict or an alert rests on, for people: the fact behind it in plain words, and the chart of its measure."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from markupsafe import Markup

from services.console.api.course_charts import Translate, charts_of
from services.console.api.words import N_
from services.console.domain.courses import courses_of
from shared.alerting import alert_about
from shared.events.base import Fact
from shared.events.operations import EventsStranded
from shared.events.progress import (
    AdverseEventReported,
    Evidence,
    MilestoneNotEvaluable,
    MilestoneReached,
    MilestoneRetracted,
    PlanAdjustmentProposed,
    PlateauSuspected,
    RegressionDetected,
)
from shared.explaining import (
    explain_not_evaluable,
    explain_plateau,
    explain_proposal,
    explain_reached,
    explain_regression,
    explain_retracted,
)
from shared.ids import patient_key

_EXPLAINED: Final[Mapping[type[Fact], Callable[[Any, str], str]]] = {
    MilestoneReached: lambda fact, language: explain_reached(fact.evidence, fact.reached_at, language),
    MilestoneRetracted: lambda fact, language: explain_retracted(fact.before, fact.cause, fact.after, language),
    MilestoneNotEvaluable: lambda fact, language: explain_not_evaluable(fact.reason, language),
    RegressionDetected: lambda fact, language: explain_regression(fact.evidence, language),
    PlateauSuspected: lambda fact, language: explain_plateau(fact.evidence, fact.review, language),
    PlanAdjustmentProposed: lambda fact, language: explain_proposal(
        fact.evidence, forward=fact.to_step > fact.from_step, language=language
    ),
}
_STRANDED: Final = {
    "failed": N_("“%(service)s” could not apply an event of “%(topic)s”. What follows of it waits, in order."),
    "newer-version": N_("“%(service)s” does not know this version of “%(topic)s” yet: update it, then take up again."),
    "unreadable": N_("“%(service)s” could not read records of “%(topic)s”. They are kept as they came."),
}


def explained(fact: Fact, language: str) -> str:
    """A verdict in a paragraph of plain words; empty for what explains itself."""
    explain = _EXPLAINED.get(type(fact))
    return explain(fact, language) if explain else ""


def behind(alert_id: str, facts: Iterable[Fact]) -> Fact | None:
    """The fact that led to the alert."""
    return next((fact for fact in facts if alert_about(fact.event_id) == alert_id), None)


def in_words(fact: Fact | None, language: str, translate: Translate) -> str:
    """Why there is an alert; nothing where its title says all."""
    match fact:
        case AdverseEventReported():
            return translate(N_("Recorded as “%(term)s”, grade %(grade)s.")) % {"term": fact.term, "grade": fact.grade}
        case EventsStranded():
            return translate(_STRANDED[fact.cause]) % {"service": fact.service, "topic": fact.topic}
        case _:
            pass
    return (explained(fact, language) or str(getattr(fact, "reason", ""))) if fact else ""


def place_of(fact: Fact | None) -> str:
    """The page on which something can be done about it; empty where the alert's own is that."""
    if not isinstance(fact, EventsStranded):
        return ""
    wanted = {"service": fact.service, "kind": "letter" if fact.cause == "unreadable" else "parked"}
    if fact.about:
        wanted["key"] = patient_key(fact.clinic_id, fact.about)
    elif fact.cause == "unreadable":
        wanted["topic"] = fact.topic
    return f"/operations/stranded?{urlencode(wanted)}"


def chart_of(fact: Fact | None, facts: Iterable[Fact], language: str, translate: Translate) -> Markup | None:
    """The measure that the fact is about, along its course; nothing where it is about none."""
    evidence: Evidence | None = getattr(fact, "evidence", None) or getattr(fact, "before", None)
    plan_id = getattr(fact, "plan_id", None)
    course = next((one for one in courses_of(facts) if one.plan.plan_id == plan_id), None)
    if evidence is None or course is None:
        return None
    judged = set(evidence.readings)
    charts = charts_of(course, language, translate)
    return next((one.svg for one in charts if any(r.measurement_id in judged for r in one.readings)), None)
