"""What the clinic writes down about visits, and its mistakes.

Mistakes and their rates: 15% of readings missing, 1% typos corrected within days, 6% of readings
late, 3% of sessions first sent with a reading off the scale, which is refused, and then mended,
2% of sessions entered once too often and voided. Adverse events: grade 1 at 3% of visits,
2 at 1%, 3 at 0.6%, 4 at 0.2%.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.events.clinical import AdverseEvent, NeedlePoint
from shared.events.intake import (
    AdverseEventRecorded,
    MeasurementCorrected,
    MeasurementRecorded,
    SessionLogged,
    SessionVoided,
)
from shared.events.scheduling import AppointmentFact
from stride.demo.chart import Chart
from stride.demo.draws import generator, happens, one_of
from stride.demo.firsts import handing
from stride.demo.handing import Handing
from stride.demo.outcomes import Taken, readings

_GRADES = ((0, 0.952), (1, 0.03), (2, 0.01), (3, 0.006), (4, 0.002))
_TERMS = {1: "Bruising", 2: "Dizziness", 3: "Syncope", 4: "Pneumothorax"}
_LATE, _OFF_THE_SCALE, _ENTERED_TWICE, _OUTSIDE_RECORD = 0.06, 0.03, 0.02, 0.3


def measured(chart: Chart, at: datetime) -> list[Handing]:
    """Readings taken outside a session, each a record of its own, with the corrections to come."""
    patient, occasion = chart.patient, _next_occasion(chart)
    taken = readings(patient, occasion, chart.held, at, always=chart.held == 0)
    return [record for one in taken for record in _as_records(chart, one, due=at)]


def held(chart: Chart, appointment: AppointmentFact) -> list[Handing]:
    """The record of a session that took place, and what is written down about it later."""
    patient, occasion = chart.patient, _next_occasion(chart)
    taken = readings(patient, occasion, chart.held, appointment.start)
    # The reading comes before the needles: it shows the effect of the sessions before this one.
    chart.held += 1
    late = happens(_LATE, patient.seed, patient.index, "late", occasion)
    due = appointment.end + timedelta(hours=1)
    session = _session(chart, appointment, () if late else tuple(taken))
    event, outside = _adverse_event(chart, appointment)
    if event and not outside:
        session = session.model_copy(update={"adverse_events": (event,)})
    records = _first_try(chart, session, due)
    if event and outside:
        records.append(handing(patient, _recorded_apart(chart, session, event), due + timedelta(hours=1)))
    if late:
        sent = due + timedelta(days=1 + generator(patient.seed, patient.index, "late-days", occasion).randrange(4))
        return [
            *records,
            *(record for one in taken for record in _as_records(chart, one, sent)),
            *_slip(chart, session),
        ]
    corrections = [_correction(chart, one, due) for one in taken if one.meant]
    return [*records, *corrections, *_slip(chart, session)]


def _next_occasion(chart: Chart) -> int:
    chart.occasions += 1
    return chart.occasions


def _session(chart: Chart, appointment: AppointmentFact, taken: tuple[Taken, ...]) -> SessionLogged:
    names_plan = not happens(0.1, chart.patient.seed, chart.patient.index, "no-plan-id", chart.held)
    return SessionLogged(
        clinic_id=appointment.clinic_id,
        patient_id=appointment.patient_id,
        session_id=f"se-{chart.patient.seed}-{chart.patient.index:03}-{chart.held:03}",
        plan_id=appointment.plan_id if names_plan else None,
        appointment_id=appointment.appointment_id,
        started_at=appointment.start,
        minutes=int((appointment.end - appointment.start).total_seconds() // 60),
        points=_points(chart),
        readings=tuple(one.reading for one in taken),
    )


def _first_try(chart: Chart, session: SessionLogged, due: datetime) -> list[Handing]:
    """The session's record; now and then one that has to be refused first, and is mended under the same id."""
    right = handing(chart.patient, session, due)
    if not session.readings or not happens(
        _OFF_THE_SCALE, chart.patient.seed, chart.patient.index, "off-scale", chart.held
    ):
        return [right]
    first, *others = session.readings
    off_scale = session.model_copy(update={"readings": (first.model_copy(update={"value": -first.value - 1}), *others)})
    return [Handing((off_scale,), due, spoilt=True), replace(right, due=due + timedelta(hours=1))]


def _points(chart: Chart) -> tuple[NeedlePoint, ...]:
    if chart.patient.finding == "stroke-gait":
        return ()
    if chart.patient.finding != "foot-drop":
        return (NeedlePoint(point="BL23", depth_mm=20), NeedlePoint(point="BL40", depth_mm=15))
    side = chart.patient.side
    return tuple(NeedlePoint(point=point, side=side, depth_mm=15) for point in ("ST36", "GB34", "SP6", "LR3"))


def _adverse_event(chart: Chart, appointment: AppointmentFact) -> tuple[AdverseEvent | None, bool]:
    """The visit's adverse event, if there is one, and whether it is recorded apart from the session."""
    seed, index, number = chart.patient.seed, chart.patient.index, chart.held
    grade = one_of(_GRADES, seed, index, "adverse", number)
    if not grade:
        return None, False
    event = AdverseEvent(
        adverse_event_id=f"ae-{seed}-{index:03}-{number:03}",
        grade=grade,
        term=_TERMS[grade],
        occurred_at=appointment.start + timedelta(minutes=10),
    )
    return event, happens(_OUTSIDE_RECORD, seed, index, "apart", number)


def _recorded_apart(chart: Chart, session: SessionLogged, event: AdverseEvent) -> AdverseEventRecorded:
    return AdverseEventRecorded(
        clinic_id=session.clinic_id,
        patient_id=session.patient_id,
        plan_id=chart.plan.plan_id if chart.plan else None,
        session_id=session.session_id,
        adverse_event=event,
    )


def _slip(chart: Chart, session: SessionLogged) -> list[Handing]:
    """Now and then somebody enters a session once too often, and voids it the next day."""
    patient = chart.patient
    if not happens(_ENTERED_TWICE, patient.seed, patient.index, "slip", chart.held):
        return []
    extra = session.model_copy(
        update={
            "session_id": f"{session.session_id}-x",
            "appointment_id": None,
            "readings": (),
            "adverse_events": (),
        }
    )
    noticed = session.started_at + timedelta(days=1, hours=3)
    voided = SessionVoided(
        clinic_id=session.clinic_id,
        patient_id=session.patient_id,
        session_id=extra.session_id,
        reason="Entered twice.",
        voided_at=noticed,
    )
    entered = session.started_at + timedelta(hours=3)
    return [handing(patient, extra, entered), handing(patient, voided, noticed)]


def _as_records(chart: Chart, one: Taken, due: datetime) -> list[Handing]:
    recorded = MeasurementRecorded(
        clinic_id=chart.patient.clinic_id,
        patient_id=chart.patient.patient_id,
        plan_id=chart.plan.plan_id if chart.plan else None,
        reading=one.reading,
    )
    return [handing(chart.patient, recorded, due), *([_correction(chart, one, due)] if one.meant else [])]


def _correction(chart: Chart, one: Taken, due: datetime) -> Handing:
    assert one.meant is not None
    patient = chart.patient
    corrected = MeasurementCorrected(
        clinic_id=patient.clinic_id,
        patient_id=patient.patient_id,
        revision=1,
        reading=one.meant,
        reason="Typing error.",
    )
    days = 1 + generator(patient.seed, patient.index, "corrected", one.meant.measurement_id).randrange(3)
    return handing(patient, corrected, due + timedelta(days=days))
