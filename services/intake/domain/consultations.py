"""A completed consultation becomes a plan: reported as one fact, or put together from FHIR resources."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from services.intake.domain.adjustments import apply_verdicts
from services.intake.domain.chart import PatientFile, Plan
from services.intake.domain.inputs import ConditionRead, EncounterRead
from services.intake.domain.planning import plan_of
from services.intake.domain.recording import own_readings, record
from shared.events.base import Fact
from shared.events.intake import ConsultationCompleted, PlanCreated
from shared.messaging.errors import Refused
from shared.messaging.message import Decision

_LATEST_START = timedelta(days=366)
ASK_FOR_RISKS = "The clinic system's record states no contraindications: ask before the first session."


def complete(file: PatientFile, fact: ConsultationCompleted, now: datetime) -> Decision[PatientFile]:
    """A consultation ended with a finding; a condition that a protocol treats gets a plan.

    Raises:
        Refused: a reading can't be right, the start lies outside a year from the consultation,
            or the consultation was reported before with other content.
    """
    readings = own_readings(file.protocols, fact.readings)
    _check_start(fact)
    return _open(file, fact if readings == fact.readings else fact.model_copy(update={"readings": readings}))


def read_encounter(file: PatientFile, read: EncounterRead, now: datetime) -> Decision[PatientFile]:
    """A finished encounter, kept until it is a consultation. Once it is one, it stays as it was."""
    if read.encounter_id in file.chart.joined or file.chart.encounters.get(read.encounter_id) == read:
        return Decision(file)
    known = file.records.get((ConsultationCompleted.NAME, read.encounter_id))
    if known and known.patient_id != file.patient_id:
        raise Refused("This id was already used for another patient of the clinic.", pointer="/id")
    return join(file.with_chart(encounters={**file.chart.encounters, read.encounter_id: read}))


def read_condition(file: PatientFile, read: ConditionRead, now: datetime) -> Decision[PatientFile]:
    """A finding, kept until its encounter and its patient are known.

    Raises:
        Refused: the encounter has another finding already (a consultation has one), or a withdrawn
            finding is a plan already.
    """
    chart = file.chart
    if read.withdrawn:
        return _withdraw(file, read)
    settled = read.condition_id in chart.withdrawn or read.condition_id in chart.joined.values()
    if settled or chart.conditions.get(read.condition_id) == read:
        return Decision(file)
    others = (other for other in chart.conditions.values() if other.condition_id != read.condition_id)
    if read.encounter_id and any(other.encounter_id == read.encounter_id for other in others):
        raise Refused(
            "The encounter already has a finding that a protocol treats; one consultation opens one plan.",
            pointer="/encounter/reference",
            remedy="If this one needs a plan of its own, give it an encounter of its own.",
        )
    return join(file.with_chart(conditions={**chart.conditions, read.condition_id: read}))


def _withdraw(file: PatientFile, read: ConditionRead) -> Decision[PatientFile]:
    chart = file.chart
    if read.condition_id in chart.joined.values():
        raise Refused(
            "The finding has opened a plan already.",
            pointer="/verificationStatus",
            remedy="Send clinic.plan.ended.v1 for the plan.",
        )
    if read.condition_id in chart.withdrawn:
        return Decision(file)
    others = {key: kept for key, kept in chart.conditions.items() if key != read.condition_id}
    return Decision(file.with_chart(conditions=others, withdrawn=chart.withdrawn | {read.condition_id}))


def join(file: PatientFile, facts: tuple[Fact, ...] = ()) -> Decision[PatientFile]:
    """Make consultations of the encounters whose finding and patient are both known."""
    for encounter, condition in _pairs(file):
        file = file.with_chart(joined={**file.chart.joined, encounter.encounter_id: condition.condition_id})
        reported = (ConsultationCompleted.NAME, encounter.encounter_id) in file.records
        if reported or _is_under_way(file, condition):
            continue  # the event holds; and records repeat a finding at each visit, which opens no second course
        decision = _open(file, _consultation(file, encounter, condition), from_fhir=True)
        file, facts = decision.state, (*facts, *decision.facts)
    return Decision(file, facts)


def _is_under_way(file: PatientFile, condition: ConditionRead) -> bool:
    found = file.protocols.treating(condition.code)
    return any(
        found is not None
        and plan.protocol_id == found[0].protocol_id
        and condition.side in (plan.side, None)
        and plan.plan_id not in file.chart.ended
        for plan in file.chart.plans.values()
    )


def _pairs(file: PatientFile) -> Iterator[tuple[EncounterRead, ConditionRead]]:
    """What belongs together: each encounter and each condition once, oldest encounter first."""
    chart = file.chart
    if chart.contact is None:
        return
    taken = set(chart.joined.values())
    for encounter in sorted(chart.encounters.values(), key=lambda e: (e.completed_at, e.encounter_id)):
        if encounter.encounter_id in chart.joined:
            continue
        found = sorted(c.condition_id for c in chart.conditions.values() if _found_in(encounter, c))
        fresh = [condition_id for condition_id in found if condition_id not in taken]
        if fresh:
            taken.add(fresh[0])
            yield encounter, chart.conditions[fresh[0]]


def _found_in(encounter: EncounterRead, condition: ConditionRead) -> bool:
    """The Condition's own word on its encounter goes before the Encounter's list."""
    if condition.encounter_id:
        return condition.encounter_id == encounter.encounter_id
    return condition.condition_id in encounter.findings


def _consultation(file: PatientFile, encounter: EncounterRead, condition: ConditionRead) -> ConsultationCompleted:
    contact = file.chart.contact
    born = contact.birth_date if contact else None
    return ConsultationCompleted(
        clinic_id=file.clinic_id,
        patient_id=file.patient_id,
        consultation_id=encounter.encounter_id,
        completed_at=encounter.completed_at,
        condition=condition.code,
        side=condition.side,
        severity=condition.severity,
        age_years=_age(born, encounter.completed_at.date()) if born else None,
        contraindications=encounter.contraindications,
        practitioner_id=encounter.practitioner_id,
    )


def _age(born: date, on: date) -> int | None:
    years = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    return years if 0 <= years <= 130 else None  # noqa: PLR2004  # as ConsultationCompleted bounds it


def _check_start(fact: ConsultationCompleted) -> None:
    if fact.starts_on is None:
        return
    if not fact.completed_at.date() <= fact.starts_on <= (fact.completed_at + _LATEST_START).date():
        raise Refused(
            "The course must start between the day of the consultation and a year after it.",
            pointer="/starts_on",
            remedy="Correct the date, or leave it out: the course then starts the next day.",
        )


def _open(file: PatientFile, fact: ConsultationCompleted, *, from_fhir: bool = False) -> Decision[PatientFile]:
    recorded = record(file, fact)
    if recorded is None:
        return Decision(file)
    notes = (ASK_FOR_RISKS,) if from_fhir and not fact.contraindications else ()
    outcome = plan_of(file.protocols, fact, notes)
    if not isinstance(outcome, PlanCreated):
        return Decision(recorded, (fact,) if outcome is None else (fact, outcome))
    plan = Plan(outcome.plan_id, outcome.protocol_id, outcome.side, outcome.ladder)
    opened = recorded.with_chart(plans={**recorded.chart.plans, plan.plan_id: plan})
    return apply_verdicts(opened, (fact, outcome))
