"""The simulated clinic: knows what it learns from the topics, and says what it hands in next."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Literal

from shared.alerting import alert_about
from shared.events.base import Fact, of_patients
from shared.events.console import (
    AlertActionRequested,
    PlanAdjustmentApproved,
    PlanAdjustmentDeclined,
    ProposalDecision,
)
from shared.events.intake import AppointmentChangeRequested, PlanEnded
from shared.events.notifications import AlertFact, AlertRaised
from shared.events.progress import PlanAdjustmentProposed
from shared.events.scheduling import AppointmentFact
from shared.ids import derived_id
from stride.demo import firsts, visits
from stride.demo.chart import Chart
from stride.demo.draws import happens, one_of
from stride.demo.fhir import first_visit
from stride.demo.handing import Handing
from stride.demo.patients import Patient

Intention = Literal["come", "stay-away", "cancel", "move"]

_INTENTIONS: Sequence[tuple[Intention, float]] = (("come", 0.88), ("stay-away", 0.04), ("cancel", 0.05), ("move", 0.03))
_THINK_AHEAD = timedelta(hours=40)
_REST_AFTER_COURSE = timedelta(days=3)
_WANTS_REPLACEMENT = 0.85
_AGREES = 0.85


class Clinic:
    """The staff and patients of all simulated clinics together."""

    def __init__(self, patients: Sequence[Patient]) -> None:
        self.charts = {patient.patient_id: Chart(patient) for patient in patients}
        self._alerts: dict[str, AlertRaised] = {}
        self._revisions: dict[str, int] = {}

    def learn(self, facts: Iterable[Fact]) -> None:
        """Take in what the topics say."""
        for fact in of_patients(facts):
            chart = self.charts.get(fact.patient_id)
            if chart is not None:
                chart.learn(fact)
                self._learn_of_alert(fact)

    def clinic_ids(self) -> list[str]:
        """The clinics that have patients."""
        return sorted({chart.patient.clinic_id for chart in self.charts.values()})

    def calendar_events(self, now: datetime) -> list[list[Handing]]:
        """What changes calendars now, in waves: one event a clinic, in a fixed order.

        Whoever books first gets the slot; so the next wave is handed in when this one is through.
        """
        queues: dict[str, list[Handing]] = {}
        for chart in self.charts.values():
            for event in (*self._consultation(chart, now), *self._changes(chart, now), *self._end(chart, now)):
                queues.setdefault(event.clinic_id, []).append(event)
        return [[event for event in wave if event] for wave in zip_longest(*queues.values())]

    def records(self, now: datetime) -> list[Handing]:
        """What else is handed in now: at most one record a patient, in no particular order."""
        for chart in self.charts.values():
            self._register(chart, now)
            self._write_down_visits(chart, now)
        due = (chart.take_due(now) for chart in self.charts.values())
        return [handing for handing in due if handing]

    def decisions(self, proposals: Iterable[PlanAdjustmentProposed], now: datetime) -> list[Handing]:
        """What a clinician says to each: mostly yes."""
        return [self._decision(proposal, now) for proposal in proposals]

    def closing(self, decision: Handing, now: datetime) -> list[Handing]:
        """Who has decided closes the alert that asked for it, if there is one that they know of."""
        (fact,) = decision.facts
        assert isinstance(fact, ProposalDecision)
        proposed = derived_id(PlanAdjustmentProposed.wire_type(), fact.clinic_id, fact.proposal_id)
        alert = self._alerts.pop(alert_about(proposed), None)
        if alert is None:
            return []
        revision = self._revisions[alert.alert_id]
        closed = AlertActionRequested(
            clinic_id=alert.clinic_id,
            patient_id=alert.patient_id,
            request_id=f"rq-close-{alert.alert_id}",
            alert_id=alert.alert_id,
            revision=revision,
            action="resolve",
            requested_by=alert.owner or "staff",
            requested_at=now,
        )
        return [Handing((closed,), now)]

    def _learn_of_alert(self, fact: Fact) -> None:
        if isinstance(fact, AlertRaised) and fact.kind == "adjustment-proposed":
            self._alerts[fact.alert_id] = fact
        if isinstance(fact, AlertRaised | AlertFact):
            revision = 1 if isinstance(fact, AlertRaised) else fact.revision
            self._revisions[fact.alert_id] = max(revision, self._revisions.get(fact.alert_id, 1))

    def _decision(self, proposal: PlanAdjustmentProposed, now: datetime) -> Handing:
        patient = self.charts[proposal.patient_id].patient
        agrees = happens(_AGREES, patient.seed, patient.index, "agrees", proposal.proposal_id)
        verdict = PlanAdjustmentApproved if agrees else PlanAdjustmentDeclined
        fact = verdict(
            clinic_id=proposal.clinic_id,
            patient_id=proposal.patient_id,
            proposal_id=proposal.proposal_id,
            plan_id=proposal.plan_id,
            decided_by="staff",
            decided_at=now,
        )
        return Handing((fact,), now, "staff")

    def _register(self, chart: Chart, now: datetime) -> None:
        patient = chart.patient
        phoned = patient.consulted_at - timedelta(days=1)
        if chart.registered or phoned > now:
            return
        chart.registered = True
        if not patient.by_fhir:
            chart.to_record.append(firsts.handing(patient, firsts.registration(patient, phoned), phoned))
        if patient.index % 4 == 0:
            later = patient.consulted_at + timedelta(days=9)
            chart.to_record.append(firsts.handing(patient, firsts.change_of_phone(patient, later), later))

    def _consultation(self, chart: Chart, now: datetime) -> list[Handing]:
        patient = chart.patient
        if chart.consulted or patient.consulted_at > now:
            return []
        chart.consulted = True
        for days in (1, 2):
            at = patient.consulted_at + timedelta(days=days)
            chart.to_record.extend(visits.measured(chart, at))
        if patient.by_fhir:
            return [Handing(first_visit(patient), patient.consulted_at, "fhir")]
        return [firsts.handing(patient, firsts.consultation(patient), patient.consulted_at, always_http=True)]

    def _changes(self, chart: Chart, now: datetime) -> list[Handing]:
        """Calls off or asks to move what is near, and reports who did not come: one thing at a time."""
        for appointment in chart.live():
            if appointment.end <= now and appointment.appointment_id in chart.absent:
                chart.settled.add(appointment.appointment_id)
                return [self._change(chart, appointment, "no-show", now)]
            if appointment.start - now <= _THINK_AHEAD and appointment.appointment_id not in chart.expected:
                asked = self._decide(chart, appointment, now)
                if asked:
                    return asked
        return []

    def _decide(self, chart: Chart, appointment: AppointmentFact, now: datetime) -> list[Handing]:
        chart.visits += 1
        chart.expected.add(appointment.appointment_id)
        intention = one_of(_INTENTIONS, chart.patient.seed, chart.patient.index, "visit", chart.visits)
        if intention == "stay-away":
            chart.absent.add(appointment.appointment_id)
        if intention in {"come", "stay-away"} or appointment.start <= now:
            return []
        if intention == "cancel":
            chart.settled.add(appointment.appointment_id)
            return [self._change(chart, appointment, "cancel", now)]
        return [self._change(chart, appointment, "move", now)]

    def _change(
        self, chart: Chart, appointment: AppointmentFact, change: Literal["cancel", "move", "no-show"], now: datetime
    ) -> Handing:
        patient = chart.patient
        request = AppointmentChangeRequested(
            clinic_id=patient.clinic_id,
            patient_id=patient.patient_id,
            request_id=f"rq-{change}-{appointment.appointment_id}",
            appointment_id=appointment.appointment_id,
            change=change,
            requested_at=now,
            not_before=appointment.start + timedelta(hours=20) if change == "move" else None,
            rebook=happens(_WANTS_REPLACEMENT, patient.seed, patient.index, "rebook", chart.visits),
        )
        return firsts.handing(patient, request, now, always_http=True)

    def _end(self, chart: Chart, now: datetime) -> list[Handing]:
        over = chart.over_since()
        if chart.plan is None or over is None or over + _REST_AFTER_COURSE > now:
            return []
        chart.ended = True
        ended = PlanEnded(
            clinic_id=chart.patient.clinic_id,
            patient_id=chart.patient.patient_id,
            plan_id=chart.plan.plan_id,
            reason="completed",
            ended_at=now,
        )
        return [firsts.handing(chart.patient, ended, now, always_http=True)]

    def _write_down_visits(self, chart: Chart, now: datetime) -> None:
        for appointment in chart.live():
            if appointment.end <= now and appointment.appointment_id not in chart.absent:
                chart.settled.add(appointment.appointment_id)
                chart.to_record.extend(visits.held(chart, appointment))
