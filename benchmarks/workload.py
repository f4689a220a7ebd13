"""What progress is measured with: facts as clinics make them, from a fixed seed.

One event a patient and turn, the patients of a turn in random order: that is how facts of many
patients arrive, and it gives no cache an advantage that it would not have at work.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from random import Random

from benchmarks.records import Record, as_record
from services.intake.domain.planning import plan_of
from shared.events.base import Fact
from shared.events.clinical import NeedlePoint, Reading, Side
from shared.events.intake import ConsultationCompleted, MeasurementRecorded, PlanCreated, SessionLogged
from shared.protocols import Protocols, load_protocols
from shared.settings import ROOT

FIRST_DAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_FIRST_DATE = FIRST_DAY.date()
_EVENTS_PER_PATIENT = 10
_EVERY = timedelta(days=2)
_WARM_PATIENTS, _WARM_EVENTS = 50, 500


@dataclass(frozen=True, slots=True)
class Work:
    """What a service has to do: `before` prepares and warms it up, `measured` is what counts."""

    before: Sequence[Record]
    measured: Sequence[Record]
    now: datetime
    """What the services' clock shows all the time."""
    clinics: Sequence[str]
    """Whose facts these are: each gets the demo clinic's calendar and a token."""

    def first(self, events: int) -> "Work":
        """The same with no more than so many events to measure."""
        return replace(self, measured=self.measured[: max(1, events)])


def progress(seed: int, run: str, events: int, per_patient: int = _EVENTS_PER_PATIENT) -> Work:
    """Sessions and readings outside sessions, of patients whose plans were created before.

    `run` names a clinic of its own, so that no run meets another's facts.
    """
    clinic, warm = f"bench-{run}", f"warm-{run}"
    patients, warm_events = max(1, events // per_patient), min(events, _WARM_EVENTS)
    return Work(
        before=[
            *(as_record(plan(warm, number), "intake") for number in range(_WARM_PATIENTS)),
            *(as_record(fact, "intake") for fact in outcomes(Random(seed), warm, _WARM_PATIENTS, warm_events)),
            *(as_record(plan(clinic, number), "intake") for number in range(patients)),
        ],
        measured=[as_record(fact, "intake") for fact in outcomes(Random(seed), clinic, patients, events)],
        now=FIRST_DAY + timedelta(days=60),
        clinics=(clinic, warm),
    )


@lru_cache(maxsize=4096)
def plan(clinic: str, number: int, starts_on: date = _FIRST_DATE) -> PlanCreated:
    """The plan that intake makes of a patient's consultation, from the foot-drop protocol."""
    consultation = ConsultationCompleted(
        clinic_id=clinic,
        patient_id=patient_id(number),
        consultation_id=f"consultation-{number:07}",
        completed_at=FIRST_DAY - timedelta(days=3),
        condition="M21.371",
        side=Side.RIGHT,
        age_years=40 + number % 40,
        starts_on=starts_on,
    )
    planned = plan_of(_protocols(), consultation)
    assert isinstance(planned, PlanCreated)
    return planned


def patient_id(number: int) -> str:
    """The id of a clinic's n-th patient."""
    return f"patient-{number:07}"


def in_turns(chance: Random, patients: int, events: int) -> Iterator[tuple[int, int]]:
    """Turn and patient of each event: everybody once a turn, in random order."""
    order = list(range(patients))
    for count in range(events):
        turn, place = divmod(count, patients)
        if place == 0:
            chance.shuffle(order)
        yield turn, order[place]


@cache
def _protocols() -> Protocols:
    return load_protocols(ROOT / "protocols")


def outcomes(chance: Random, clinic: str, patients: int, events: int) -> Iterator[Fact]:
    """Turn after turn, each patient once: two sessions, then a reading at home, and so on."""
    plans = [plan(clinic, number).plan_id for number in range(patients)]
    for turn, number in in_turns(chance, patients, events):
        at = FIRST_DAY + turn * _EVERY + timedelta(minutes=number % 480)
        reading = _reading(chance, f"pain-{number:07}-{turn:03}", turn, at)
        whose = {"clinic_id": clinic, "patient_id": patient_id(number), "plan_id": plans[number]}
        yield _outcome(whose, reading, turn, at)


def later_outcome(chance: Random, clinic: str, number: int, patient: str, name: str) -> Fact:
    """One more reading of a `patient` whose course is the clinic's n-th; `name` makes it one of a kind."""
    at = FIRST_DAY + _EVERY * 20 + timedelta(minutes=chance.randrange(40_000))
    reading = _reading(chance, f"pain-{name}", 10, at)
    plan_id = plan(clinic, number).plan_id
    return MeasurementRecorded(clinic_id=clinic, patient_id=patient, plan_id=plan_id, reading=reading)


def _reading(chance: Random, measurement_id: str, turn: int, at: datetime) -> Reading:
    """Pain that goes down by half a point a turn, with noise."""
    pain = min(10.0, max(0.0, round(7 - 0.5 * turn + chance.gauss(0, 1))))
    return Reading(measurement_id=measurement_id, measure="pain-nrs", value=pain, unit="{score}", effective_at=at)


def _outcome(whose: Mapping[str, str], reading: Reading, turn: int, at: datetime) -> Fact:
    if turn % 3 == 0:
        return MeasurementRecorded.model_validate({**whose, "reading": reading})
    session = {
        "session_id": reading.measurement_id.replace("pain", "session"),
        "started_at": at,
        "minutes": 45,
        "practitioner_id": "pr-ada",
        "points": (NeedlePoint(point="ST36", side=Side.RIGHT),),
        "readings": (reading,),
    }
    return SessionLogged.model_validate({**whose, **session})
