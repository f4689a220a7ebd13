"""The simulated clinic on its own: same seed, same patients, same mistakes, whatever comes first."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from statistics import mean, pstdev

from shared.events.base import Fact, of_patients
from shared.events.intake import MeasurementCorrected, PlanCreated, SessionLogged
from shared.events.scheduling import AppointmentBooked
from shared.ids import derived_id
from stride.demo.clinic import Clinic
from stride.demo.driver import STEP
from stride.demo.handing import Handing
from stride.demo.outcomes import DISABILITY, PAIN, SPEED, STRENGTH, UP_AND_GO, readings
from stride.demo.patients import Patient, enrol
from tests.journeys.plans import a_plan

START = datetime(2026, 1, 12, tzinfo=UTC)


def booked(plan: PlanCreated, first: datetime, count: int) -> list[AppointmentBooked]:
    """A course twice a week, as scheduling might book it."""
    return [
        AppointmentBooked(
            clinic_id=plan.clinic_id,
            patient_id=plan.patient_id,
            appointment_id=derived_id("appointment", plan.plan_id, number),
            appointment_version=1,
            plan_id=plan.plan_id,
            plan_version=1,
            sequence=number,
            start=first + timedelta(days=3.5 * number),
            end=first + timedelta(days=3.5 * number, minutes=45),
            practitioner_id="pr-ada",
            room_id="room-1",
            booking_id=plan.plan_id,
            booking_size=count,
        )
        for number in range(1, count + 1)
    ]


def live_through(patients: list[Patient], days: int, *, backwards: bool = False) -> list[Handing]:
    """Everything the clinic hands in, where each consultation is answered by a course of 18."""
    clinic, handed = Clinic(patients), list[Handing]()
    for number in range(days * 4):
        now = START + number * STEP
        for wave in clinic.calendar_events(now):
            handed.extend(wave)
            facts = [fact for handing in wave for fact in handing.facts]
            answers = list(answers_to(facts, patients))
            clinic.learn(reversed(answers) if backwards else answers)
        handed.extend(clinic.records(now))
    return handed


def answers_to(facts: Iterable[Fact], patients: list[Patient]) -> Iterable[Fact]:
    for patient in patients:
        for fact in of_patients(facts):
            if fact.NAME == "consultation.completed" and fact.patient_id == patient.patient_id:
                plan = a_plan(patient)
                yield plan
                yield from booked(plan, patient.consulted_at, 18)


def test_same_seed_gives_the_same_events() -> None:
    once = live_through(enrol(7, 8, START, 84), 84)
    again = live_through(enrol(7, 8, START, 84), 84)
    assert once == again


def test_order_of_what_it_learns_changes_nothing() -> None:
    once = live_through(enrol(7, 8, START, 84), 84)
    reverse = live_through(enrol(7, 8, START, 84), 84, backwards=True)
    assert once == reverse


def test_one_patient_more_leaves_the_others_noise_alone() -> None:
    few, more = enrol(7, 3, START, 84), enrol(7, 9, START, 84)
    for one, same in zip(few, more, strict=False):
        assert (one.pain, one.response, one.name) == (same.pain, same.response, same.name)


def test_noise_of_one_pain_reading_is_about_one_point() -> None:
    steady = [p for p in enrol(3, 400, START, 84) if p.response == "none" and 4 < p.pain < 7]
    errors = [taken.reading.value - p.pain for p in steady for taken in readings(p, 5, 0, START) if not taken.meant]
    of_pain = [error for error in errors if abs(error) < 6]
    assert abs(mean(of_pain)) < 0.2
    assert 0.8 < pstdev(of_pain) < 1.4


def test_a_clinic_makes_the_mistakes_it_is_said_to_make() -> None:
    handed = live_through(enrol(5, 24, START, 84), 110)
    facts = [fact for handing in handed for fact in handing.facts]
    kinds = {fact.NAME for fact in facts}
    assert {
        "patient.registered",
        "patient.updated",
        "consultation.completed",
        "session.logged",
        "session.voided",
        "measurement.recorded",
        "measurement.corrected",
        "adverse_event.recorded",
        "appointment.change.requested",
        "plan.ended",
    } <= kinds
    assert {handing.door for handing in handed} == {"http", "kafka", "fhir"}
    assert any(handing.again for handing in handed)


def test_a_correction_names_the_reading_it_corrects() -> None:
    handed = live_through(enrol(5, 24, START, 84), 110)
    facts = [fact for handing in handed for fact in handing.facts]
    written = {r.measurement_id: r for f in facts if isinstance(f, SessionLogged) for r in f.readings}
    corrected = [f for f in facts if isinstance(f, MeasurementCorrected) and f.reading.measurement_id in written]
    assert corrected
    assert all(written[f.reading.measurement_id].value != f.reading.value for f in corrected)


def test_at_most_one_record_of_a_patient_is_handed_in_at_a_time() -> None:
    patients = enrol(5, 24, START, 84)
    clinic = Clinic(patients)
    for number in range(200):
        now = START + number * STEP
        for wave in clinic.calendar_events(now):
            clinic.learn(answers_to([fact for handing in wave for fact in handing.facts], patients))
        who = [of_patients(handing.facts)[0].patient_id for handing in clinic.records(now)]
        assert len(who) == len(set(who))


def test_full_responders_get_better_and_relapses_worse_again() -> None:
    patients = enrol(1, 200, START, 84)
    for patient in patients:
        end = patient.true_pain(18) / patient.pain
        if patient.response == "full":
            assert end < 0.3
        if patient.response == "none":
            assert 0.95 < end < 1.05
        if patient.response == "relapse":
            assert patient.true_pain(18) > patient.true_pain(11) + 2
    assert {patient.response for patient in patients} == {"full", "half", "none", "relapse"}


def test_foot_drop_is_measured_by_strength_too() -> None:
    patients = {patient.finding: patient for patient in enrol(1, 15, START, 84)}
    assert [t.reading.measure for t in readings(patients["foot-drop"], 0, 0, START, always=True)] == [PAIN, STRENGTH]
    taken = readings(patients["low-back-pain"], 0, 0, START, always=True)
    assert [t.reading.measure for t in taken] == [PAIN, DISABILITY]


def test_a_clinic_of_one_protocol_has_its_patients_alone_and_reads_its_measures() -> None:
    patients = enrol(1, 15, START, 84, "stroke-gait-physical-therapy")
    assert {patient.finding for patient in patients} == {"stroke-gait"}
    better = next(patient for patient in patients if patient.response == "full")
    before, after = (readings(better, 0, held, START, always=True) for held in (0, 20))
    assert [t.reading.measure for t in before] == [SPEED, UP_AND_GO]
    assert after[0].reading.value > before[0].reading.value + 0.16
    assert after[1].reading.value < before[1].reading.value * 0.8
