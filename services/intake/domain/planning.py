"""From a consultation to its plan: the protocol, fitted to the patient, or withheld."""

from datetime import date, timedelta

from shared.events.clinical import Side, Step, VisitLimit
from shared.events.intake import ConsultationCompleted, PlanCreated, PlanWithheld
from shared.ids import derived_id
from shared.protocols import Contraindication, Customisation, Protocol, Protocols, When


def plan_of(
    protocols: Protocols, fact: ConsultationCompleted, notes: tuple[str, ...] = ()
) -> PlanCreated | PlanWithheld | None:
    """The plan for a consultation; None where no protocol treats its condition."""
    found = protocols.treating(fact.condition)
    if found is None:
        return None
    protocol, condition = found
    stops = [risk for risk in _risks(protocol, fact) if risk.action == "stop"]
    if stops:
        return _withheld(protocol, fact, stops)
    return _created(protocol, fact, fact.side or condition.side, notes)


def plan_id_of(fact: ConsultationCompleted) -> str:
    """The id of the plan that a consultation leads to, whether it is made or withheld."""
    return derived_id("plan", fact.clinic_id, fact.consultation_id)


def _withheld(protocol: Protocol, fact: ConsultationCompleted, stops: list[Contraindication]) -> PlanWithheld:
    return PlanWithheld(
        clinic_id=fact.clinic_id,
        patient_id=fact.patient_id,
        plan_id=plan_id_of(fact),
        consultation_id=fact.consultation_id,
        protocol_id=protocol.protocol_id,
        contraindications=tuple(risk.code for risk in stops),
        reason=" ".join(risk.text for risk in stops),
    )


def _created(protocol: Protocol, fact: ConsultationCompleted, side: Side | None, notes: tuple[str, ...]) -> PlanCreated:
    rules = tuple(rule for rule in protocol.customisation if _is_for(rule.when, fact))
    return PlanCreated(
        clinic_id=fact.clinic_id,
        patient_id=fact.patient_id,
        plan_id=plan_id_of(fact),
        consultation_id=fact.consultation_id,
        protocol_id=protocol.protocol_id,
        protocol_version=protocol.version,
        condition=fact.condition,
        side=side,
        starts_on=_start(fact),
        phases=protocol.phases_for(rules, protocol.phases),
        ladder=tuple(Step(name=s.name, phases=protocol.phases_for(rules, s.phases)) for s in protocol.ladder),
        session_minutes=_minutes(protocol, rules),
        skill=protocol.skill,
        room_kind=protocol.room_kind,
        practitioner_id=fact.practitioner_id,
        preferred_times=fact.preferred_times,
        impossible_times=fact.impossible_times,
        booking=protocol.booking,
        co_interventions=protocol.co_interventions,
        measures=tuple(entry.spec for entry in protocol.measures),
        milestones=protocol.milestones,
        review_sessions=protocol.review_sessions,
        limits=tuple(VisitLimit(sessions=limit.sessions, within_days=limit.within_days) for limit in protocol.limits),
        notes=(*(rule.note for rule in rules), *_warnings(protocol, fact), *notes),
    )


def _start(fact: ConsultationCompleted) -> date:
    return fact.starts_on or (fact.completed_at + timedelta(days=1)).date()


def _minutes(protocol: Protocol, rules: tuple[Customisation, ...]) -> int:
    return next((rule.session_minutes for rule in reversed(rules) if rule.session_minutes), protocol.session_minutes)


def _is_for(when: When, fact: ConsultationCompleted) -> bool:
    if when.severity and fact.severity not in when.severity:
        return False
    if when.age_from is None and when.age_below is None:
        return True
    if fact.age_years is None:
        return False
    return (when.age_from or 0) <= fact.age_years < (when.age_below or 1000)


def _risks(protocol: Protocol, fact: ConsultationCompleted) -> list[Contraindication]:
    return [risk for risk in protocol.contraindications if risk.code in fact.contraindications]


def _warnings(protocol: Protocol, fact: ConsultationCompleted) -> list[str]:
    """Known risks in the protocol's words; an unknown one is passed to people, not dropped."""
    known = {risk.code for risk in protocol.contraindications}
    unknown = [code for code in fact.contraindications if code not in known]
    return [
        *(risk.text for risk in _risks(protocol, fact)),
        *(
            f"The consultation names the risk {code}, on which the protocol says nothing: review it."
            for code in unknown
        ),
    ]
