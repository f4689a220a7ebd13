"""How often a clinic's alerts interrupt whoever is on duty: a simulated clinic through the product's own rules.

Courses begin each week and are judged by progress' own handlers; what these say goes to notifications' own
handlers, with the clinic's policy, and with people who take most alerts after a while, and some never.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final

from benchmarks.notifications.people import clinic_named
from benchmarks.progress.ground import created, question
from services.notifications.domain.escalation import AlertTimerDue
from services.notifications.domain.groups import AT_ONCE, TOGETHER
from services.notifications.domain.handling import AcknowledgementGiven
from services.notifications.domain.judgement import Content, judge
from services.notifications.domain.state import Alert, Delivery, DeliveryState, Patient
from services.notifications.handlers import HANDLERS
from services.notifications.store.patients import desk_of
from services.progress.domain.patient import Patient as Course
from services.progress.domain.record import PatientRecord
from services.progress.handlers import HANDLERS as PROGRESS
from shared.alerting import AlertPolicy, Level
from shared.events.base import Fact
from shared.events.clinical import AdverseEvent, Reading
from shared.events.intake import AdverseEventRecorded, SessionLogged
from stride.trials.cohorts import Question, Response, patient
from stride.trials.courses import CLINIC, MINUTES, PATIENT
from stride.trials.noise import Noise

A_WEEK: Final = 6
"""New courses, as many as Riverside can treat: its acupuncturists' 120 hours hold some 130 visits a week, and a course
has 24."""
_SESSIONS, _DAYS_APART = 24, 3.5
_MIX: Final[Mapping[Response, float]] = {"full": 0.45, "half": 0.25, "slow": 0.15, "unchanged": 0.15}
_GRADES: Final = ((0, 0.952), (1, 0.03), (2, 0.01), (3, 0.006), (4, 0.002))
"""Share of sessions with an adverse event of each grade, as in the demo clinic."""
_NEVER_TAKEN: Final = 0.181
"""Of critical imaging results, so many were never acknowledged (Singh et al. 2009, Arch Intern Med 169:1578)."""
_TAKEN_AFTER: Final = timedelta(hours=2)
"""Median; log-normal."""
_SPREAD: Final = 1.2
_NUMBERS: Final = count()
"""Tells facts of one moment apart, first come first."""
_CLINICIANS: Final = ("st-ada", "st-ben")
_WHO: Final[dict[str, Any]] = {"clinic_id": CLINIC, "patient_id": PATIENT}


@dataclass(slots=True)
class Tally:
    """What came of it, by working day."""

    interruptions: Counter[tuple[str, int]] = field(default_factory=Counter[tuple[str, int]])
    """By member of staff and day."""
    kinds: Counter[str] = field(default_factory=Counter[str])
    raised: Counter[str] = field(default_factory=Counter[str])
    critical_told: int = 0


def fatigue(seed: int, weeks: int) -> dict[str, Any]:
    """Interrupting messages to the busiest clinician, a working day, after a run-in of a course's length.

    `at_once` is the same clinic if it wanted to hear of everything at once.
    """
    ours = _simulated(seed, weeks, AlertPolicy())
    loud = _simulated(seed, weeks, AlertPolicy(info=Level()))
    days, noisy = _days(ours, weeks), _days(loud, weeks)
    return {
        "alerts_per_clinician_day": round(sum(days) / len(days), 2),
        "alerts_p95": sorted(days)[int(len(days) * 0.95)],
        "alerts_most": max(days),
        "alerts_at_once_per_clinician_day": round(sum(noisy) / len(noisy), 2),
        "alerts_days": len(days),
        "alerts_by_kind": dict(ours.kinds.most_common()),
        "critical": ours.raised["critical"],
        "critical_suppressed": ours.raised["critical"] - ours.critical_told,
    }


def _days(tally: Tally, weeks: int) -> list[int]:
    """The busiest clinician's interruptions, day by day, once as many courses end as begin."""
    first = round(_SESSIONS * _DAYS_APART / 7)
    each = [[tally.interruptions[who, day] for day in range(first * 5, weeks * 5)] for who in _CLINICIANS]
    return max(each, key=sum)


def _simulated(seed: int, weeks: int, policy: AlertPolicy) -> Tally:
    rng, tally, asked = random.Random(f"{seed}/fatigue"), Tally(), question(_SESSIONS)
    clinic = clinic_named(CLINIC).model_copy(update={"alerts": policy})
    for number in range(A_WEEK * weeks):
        someone = patient(rng, asked, rng.choices(list(_MIX), list(_MIX.values()))[0], Noise())
        life = _Life(rng, tally, Patient(CLINIC, PATIENT, desk_of(clinic)), 7 * (number // A_WEEK))
        life.live(list(_course(rng, asked, someone.taken)))
    return tally


def _course(rng: random.Random, asked: Question, taken: Sequence[float | None]) -> Iterator[tuple[datetime, Fact]]:
    """What progress says of a course, and when."""
    course, timeline, plan = Course(PatientRecord(CLINIC, PATIENT)), asked.timeline, created()
    facts: list[tuple[datetime, Fact]] = [(timeline.moment(0), plan)]
    for session, value in zip(timeline.read_at, taken, strict=True):
        facts += _visit(rng, plan.plan_id, asked, session, value)
    for at, fact in facts:
        decision = PROGRESS[type(fact)](course, fact, at)
        course = decision.state
        yield from ((at, one) for one in decision.facts)


def _visit(
    rng: random.Random, plan_id: str, asked: Question, session: int, value: float | None
) -> Iterator[tuple[datetime, Fact]]:
    if not session:
        return
    at, spec = asked.timeline.moment(session), asked.spec
    readings = () if value is None else (
        Reading(measurement_id=f"r-{session}", measure=spec.measure, value=value, unit=spec.unit, effective_at=at),
    )  # fmt: skip
    ended = at + timedelta(minutes=MINUTES)
    yield (
        ended,
        SessionLogged(
            **_WHO, session_id=f"s-{session}", plan_id=plan_id, started_at=at, minutes=MINUTES, readings=readings
        ),
    )
    grade = rng.choices([grade for grade, _ in _GRADES], [share for _, share in _GRADES])[0]
    if grade:
        event = AdverseEvent(adverse_event_id=f"ae-{session}", grade=grade, term="x", occurred_at=at)
        yield ended, AdverseEventRecorded(**_WHO, plan_id=plan_id, adverse_event=event)


@dataclass(slots=True)
class _Life:
    """The alerts of one course as its clinicians live with them. `later`: days after the first that it began."""

    rng: random.Random
    tally: Tally
    someone: Patient
    later: int
    line: list[tuple[datetime, int, Fact]] = field(default_factory=list[tuple[datetime, int, Fact]])
    told: set[str] = field(default_factory=set[str])
    """Critical alerts that somebody was written to about."""

    def live(self, facts: Iterable[tuple[datetime, Fact]]) -> None:
        """Until nothing more happens."""
        for at, fact in facts:
            if type(fact) in HANDLERS:
                self._await(at, fact)
        while self.line:
            at, _, fact = heappop(self.line)
            known = self.someone.alerts
            self.someone = HANDLERS[type(fact)](self.someone, fact, at).state
            for alert_id, alert in self.someone.alerts.items():
                if alert_id not in known:
                    self._raised(alert, at)
                if alert is not known.get(alert_id) and alert.wake_at is not None:
                    self._await(alert.wake_at, AlertTimerDue(**_WHO, alert_id=alert_id, revision=alert.revision))
            self._send(at, self.line[0][0] if self.line else at + timedelta(days=1))

    def _await(self, at: datetime, fact: Fact) -> None:
        heappush(self.line, (at, next(_NUMBERS), fact))

    def _raised(self, alert: Alert, at: datetime) -> None:
        """Somebody takes most alerts after a while."""
        self.tally.raised[alert.severity] += 1
        if self.rng.random() >= _NEVER_TAKEN:
            after = at + _TAKEN_AFTER * self.rng.lognormvariate(0, _SPREAD)
            self._await(
                after, AcknowledgementGiven(**_WHO, alert_id=alert.alert_id, given_by=_CLINICIANS[0], revision=1)
            )

    def _send(self, at: datetime, until: datetime) -> None:
        """What is due before anything else happens is sent, and interrupts, if it still is so."""
        due = [
            one for one in self.someone.deliveries.values()
            if one.recipient == "staff" and one.topic in {AT_ONCE, TOGETHER}
            and one.state is DeliveryState.SCHEDULED and one.due_at <= until
        ]  # fmt: skip
        for delivery in due:
            content = judge(self.someone, delivery, max(at, delivery.due_at))
            if isinstance(content, Content):
                self._interrupted(delivery, content)
                self.someone = self.someone.with_deliveries(delivery._replace(state=DeliveryState.ACCEPTED))

    def _interrupted(self, delivery: Delivery, content: Content) -> None:
        self.tally.interruptions[delivery.recipient_id, _working_day(delivery.due_at, self.later)] += 1
        self.tally.kinds.update({alert.kind for alert in content.alerts})
        new = {alert.alert_id for alert in content.alerts if alert.severity == "critical"} - self.told
        self.told |= new
        self.tally.critical_told += len(new)


def _working_day(at: datetime, later: int) -> int:
    """Counted from the first Monday; what comes at a weekend counts to its Friday."""
    days = (at.date() - datetime(2026, 1, 5, tzinfo=at.tzinfo).date()).days + later
    return days // 7 * 5 + min(days % 7, 4)
