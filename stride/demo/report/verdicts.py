"""Were the milestones real? Judged against the noise-free course that only the simulation knows.

- A confirmed change is true when the patient's noise-free value, at the last reading the verdict
  rests on, meets the target set from the true baseline.
- It is missed when that was so at eight or more of the course's sessions and no milestone stands.
- A count of sessions is true when at least so many were really held; it is missed when they were
  held and recorded, and no milestone stands.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from shared.events.clinical import MilestoneRule
from shared.events.intake import PlanCreated, SessionLogged, SessionVoided
from shared.events.progress import MilestoneReached, MilestoneRetracted
from stride.demo.outcomes import FALLING, measures_of, truth
from stride.demo.patients import Patient
from stride.demo.report.look import Facts

_LONG_ENOUGH = 8


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How many standing milestones are true and false, and how many are missing."""

    true: int
    false: int
    missed: int
    retracted: int
    false_ones: tuple[str, ...] = ()
    missed_ones: tuple[str, ...] = ()


def judge(facts: Facts, patients: Mapping[str, Patient]) -> Verdicts:
    """All plans' milestones against the truth."""
    standing = _standing(facts)
    held = _held(facts)
    right: list[str] = []
    wrong: list[str] = []
    missed: list[str] = []
    for plan in facts.of(PlanCreated):
        course = _Course(patients[plan.patient_id], held[plan.patient_id])
        for rule in plan.milestones:
            name = f"{plan.patient_id} {rule.milestone}"
            reached = standing.get((plan.plan_id, rule.milestone))
            if reached is not None:
                (right if course.is_true(rule, reached) else wrong).append(name)
            elif course.should_have(rule):
                missed.append(name)
    return Verdicts(len(right), len(wrong), len(missed), len(facts.of(MilestoneRetracted)), tuple(wrong), tuple(missed))


def _standing(facts: Facts) -> dict[tuple[str, str], MilestoneReached]:
    """Milestones that were reached and not retracted since."""
    retracted = {(gone.plan_id, gone.milestone, gone.occurrence) for gone in facts.of(MilestoneRetracted)}
    return {
        (reached.plan_id, reached.milestone): reached
        for reached in facts.of(MilestoneReached)
        if (reached.plan_id, reached.milestone, reached.occurrence) not in retracted
    }


def _held(facts: Facts) -> dict[str, list[SessionLogged]]:
    """Per patient, the sessions that count, in order of time."""
    voided = {(void.clinic_id, void.session_id) for void in facts.of(SessionVoided)}
    sessions: dict[str, list[SessionLogged]] = defaultdict(list)
    for session in facts.of(SessionLogged):
        if (session.clinic_id, session.session_id) not in voided:
            sessions[session.patient_id].append(session)
    for found in sessions.values():
        found.sort(key=lambda session: session.started_at)
    return sessions


@dataclass(frozen=True, slots=True)
class _Course:
    patient: Patient
    sessions: list[SessionLogged]

    def is_true(self, rule: MilestoneRule, reached: MilestoneReached) -> bool:
        if rule.kind == "session-count":
            return len(self.sessions) >= (rule.sessions or 0)
        # A reading is taken before the needles: it shows the effect of the sessions before it.
        held = sum(1 for session in self.sessions if session.started_at < reached.reached_at)
        return self._meets(rule, max(0, held - 1)) or self._meets(rule, held)

    def should_have(self, rule: MilestoneRule) -> bool:
        if rule.kind == "session-count":
            return len(self.sessions) >= (rule.sessions or 0)
        return sum(self._meets(rule, held) for held in range(len(self.sessions))) >= _LONG_ENOUGH

    def _meets(self, rule: MilestoneRule, held: int) -> bool:
        """Whether the noise-free value meets the rule's target; nobody is measured what is not read."""
        if rule.measure is None or rule.measure not in measures_of(self.patient):
            return False
        start, now = (truth(self.patient, rule.measure, sessions) for sessions in (0, held))
        change = (rule.change or 0.0) * (start if rule.relative else 1.0)
        return now <= start - change if rule.measure in FALLING else now >= start + change
