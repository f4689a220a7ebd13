"""The ledger's other side: did everything that was taken on have its effect?

Each line is one thing lost: a fact that is missing from its topic, a session that progress does
not count, a booking or an alert that nobody was told of.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from shared.events.base import Fact
from shared.events.console import PlanAdjustmentApproved
from shared.events.intake import (
    AppointmentChangeRequested,
    ConsultationCompleted,
    MeasurementCorrected,
    MeasurementRecorded,
    PlanAdjusted,
    PlanCreated,
    PlanEnded,
    PlanWithheld,
    SessionLogged,
    SessionVoided,
)
from shared.events.notifications import AlertRaised, NotificationFailed, NotificationSent
from shared.events.progress import (
    AdverseEventReported,
    MilestoneReached,
    MilestoneRetracted,
    PlanAdjustmentProposed,
    RegressionDetected,
)
from shared.events.scheduling import AppointmentBooked, AppointmentCancelled, AppointmentMissed, CourseUnschedulable
from stride.demo.ledger import Ledger
from stride.demo.report.look import Facts
from stride.demo.report.mail import Mail
from stride.demo.report.tables import Row, Tables

_WORTH_AN_ALERT: tuple[type[Fact], ...] = (
    MilestoneReached,
    MilestoneRetracted,
    RegressionDetected,
    AdverseEventReported,
    PlanAdjustmentProposed,
    PlanWithheld,
    CourseUnschedulable,
)


def lost(ledger: Ledger, facts: Facts, tables: Tables, mails: Iterable[Mail]) -> list[str]:
    """Everything that was taken on and left no trace, or the wrong one."""
    return [
        *_not_published(ledger, facts),
        *_without_plan(facts),
        *_without_appointments(facts),
        *_miscounted_sessions(facts, tables),
        *_misread(facts, tables),
        *_without_adjustment(facts),
        *_not_replaced(facts),
        *_other_milestones(facts, tables),
        *_without_alert(facts),
        *_untold(facts, tables),
        *_unsent(facts, tables, mails),
    ]


def _not_published(ledger: Ledger, facts: Facts) -> Iterator[str]:
    there = {(one.fact.NAME, one.fact.clinic_id, one.fact.natural_key) for one in facts.seen}
    for handing, fact in ledger.taken_on():
        if (fact.NAME, fact.clinic_id, fact.natural_key) not in there:
            yield f"{fact.NAME} {fact.natural_key}: taken on by {handing.door}, not on its topic"


def _without_plan(facts: Facts) -> Iterator[str]:
    """A treated condition leads to a plan or to the word that there is none."""
    treated = {plan.condition for plan in facts.of(PlanCreated)}
    answered = {plan.consultation_id for kind in (PlanCreated, PlanWithheld) for plan in facts.of(kind)}
    for consultation in facts.of(ConsultationCompleted):
        if consultation.condition in treated and consultation.consultation_id not in answered:
            yield f"consultation {consultation.consultation_id}: neither plan nor refusal"


def _without_appointments(facts: Facts) -> Iterator[str]:
    booked = {(fact.plan_id, fact.sequence) for fact in facts.of(AppointmentBooked)}
    reported = {fact.plan_id for fact in facts.of(CourseUnschedulable)}
    for plan in facts.of(PlanCreated):
        wanted = range(1, sum(phase.sessions for phase in plan.phases) + 1)
        missing = [number for number in wanted if (plan.plan_id, number) not in booked]
        if missing and plan.plan_id not in reported:
            yield f"plan {plan.plan_id}: sessions {missing} neither booked nor reported as unschedulable"


def _miscounted_sessions(facts: Facts, tables: Tables) -> Iterator[str]:
    for kind, rows, key in (
        (SessionLogged, tables.sessions, "session_id"),
        (SessionVoided, tables.voided, "record_id"),
    ):
        told = Counter((fact.clinic_id, fact.session_id) for fact in facts.of(kind))
        counted = Counter((row["clinic_id"], row[key]) for row in rows)
        for name in sorted(told - counted):
            yield f"{kind.NAME} {name[1]}: not in the tables of progress"
        for name in sorted(counted - told):
            yield f"{kind.NAME} {name[1]}: in the tables of progress, but on no topic"


def _misread(facts: Facts, tables: Tables) -> Iterator[str]:
    """The tables of progress hold each reading once, at its highest revision."""
    told: dict[tuple[str, str], tuple[int, float]] = {}
    for clinic_id, measurement_id, revision, value in _readings(facts):
        told[clinic_id, measurement_id] = max(told.get((clinic_id, measurement_id), (-1, 0.0)), (revision, value))
    held = {(row["clinic_id"], row["measurement_id"]): (row["revision"], row["value"]) for row in tables.readings}
    for name in sorted(told.keys() | held.keys()):
        if told.get(name) != held.get(name):
            yield f"reading {name[1]}: told as {told.get(name)}, held by progress as {held.get(name)}"


def _readings(facts: Facts) -> Iterator[tuple[str, str, int, float]]:
    for session in facts.of(SessionLogged):
        for reading in session.readings:
            yield session.clinic_id, reading.measurement_id, 0, reading.value
    for recorded in facts.of(MeasurementRecorded):
        yield recorded.clinic_id, recorded.reading.measurement_id, 0, recorded.reading.value
    for corrected in facts.of(MeasurementCorrected):
        yield corrected.clinic_id, corrected.reading.measurement_id, corrected.revision, corrected.reading.value


def _without_adjustment(facts: Facts) -> Iterator[str]:
    adjusted = {fact.proposal_id for fact in facts.of(PlanAdjusted)}
    for approved in facts.of(PlanAdjustmentApproved):
        if approved.proposal_id not in adjusted:
            yield f"proposal {approved.proposal_id}: approved, but the plan did not change"


def _not_replaced(facts: Facts) -> Iterator[str]:
    """Who missed a session, or called it off and wants another, gets one, or staff are told."""
    wanted = {fact.appointment_id for fact in facts.of(AppointmentChangeRequested) if fact.rebook}
    gone = [fact for fact in facts.of(AppointmentCancelled) if fact.reason == "requested"]
    replaced = {fact.replaces for fact in facts.of(AppointmentBooked)}
    elsewhere = {fact.plan_id for kind in (CourseUnschedulable, PlanAdjusted, PlanEnded) for fact in facts.of(kind)}
    for fact in (*facts.of(AppointmentMissed), *(fact for fact in gone if fact.appointment_id in wanted)):
        if fact.appointment_id not in replaced and fact.plan_id not in elsewhere:
            yield f"appointment {fact.appointment_id}: neither replaced nor reported as unschedulable"


def _other_milestones(facts: Facts, tables: Tables) -> Iterator[str]:
    """What progress holds to stand is what the topics say: reached and not retracted since."""
    net: Counter[tuple[str, str]] = Counter()
    for sign, kind in ((1, MilestoneReached), (-1, MilestoneRetracted)):
        for fact in facts.of(kind):
            net[fact.plan_id, f"{fact.milestone}/{fact.rule_version}"] += sign
    told = {name for name, count in net.items() if count}
    held = {(row["plan_id"], row["name"]) for row in tables.published if row["kind"] == "milestone" and row["standing"]}
    for plan_id, name in sorted(told ^ held):
        yield f"milestone {name} of plan {plan_id}: tables and topics disagree"


def _without_alert(facts: Facts) -> Iterator[str]:
    """Each of these is worth one staff alert, and one only."""
    alerts = Counter(one.causation_id for one in facts.seen_of(AlertRaised))
    for kind in _WORTH_AN_ALERT:
        for one in facts.seen_of(kind):
            if alerts[one.event_id] != 1:
                yield f"{kind.NAME} {one.fact.natural_key}: {alerts[one.event_id]} alerts"


def _untold(facts: Facts, tables: Tables) -> Iterator[str]:
    """Every booking has its message: sent, or taken back for a reason that the table names."""
    told = {row["subject_id"] for row in tables.deliveries if row["topic"] == "booked"}
    for booking_id in sorted({fact.booking_id for fact in facts.of(AppointmentBooked)} - told):
        yield f"booking {booking_id}: no message about it"


def _unsent(facts: Facts, tables: Tables, mails: Iterable[Mail]) -> Iterator[str]:
    """What is said to be sent is in the inbox, and what is in the inbox was meant to be sent."""
    arrived = {mail.delivery_id for mail in mails}
    sent = {fact.delivery_id for fact in facts.of(NotificationSent)}
    failed = {fact.delivery_id for fact in facts.of(NotificationFailed)}
    accepted = {row["delivery_id"] for row in tables.deliveries if row["state"] == "accepted"}
    for delivery_id in sorted(accepted - arrived):
        yield f"delivery {delivery_id}: accepted by the tables, not in the inbox"
    for delivery_id in sorted(accepted ^ sent):
        yield f"delivery {delivery_id}: tables and topic disagree on whether it was sent"
    for delivery_id in sorted(arrived - accepted - failed):
        yield f"mail {delivery_id}: in the inbox, but of no accepted delivery"
    for row in tables.deliveries:
        if _stuck(row):
            yield f"delivery {row['delivery_id']}: stuck in state {row['state']}"


def _stuck(row: Row) -> bool:
    return row["state"] in {"claimed", "sending"}
