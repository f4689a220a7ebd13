"""Noisy readings of a patient's true state, as a clinic would take them.

Pain (NRS 0-10): white noise 0.64 plus AR(1) 0.8 with rho 0.4, rounded to whole numbers.
Strength (dynamometer, N): 10% noise in logs. 15% of readings are missing, 1% are typos that
somebody corrects later. The figures are the design's (clinical.md).
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from math import exp, sqrt

from shared.events.clinical import Reading
from stride.demo.draws import generator, happens
from stride.demo.patients import Patient

PAIN, STRENGTH, DISABILITY = "pain-nrs", "dorsiflexor-strength", "oswestry"
SPEED, UP_AND_GO = "walk-10m", "tug"
UNITS = {PAIN: "{score}", STRENGTH: "N", DISABILITY: "%", SPEED: "m/s", UP_AND_GO: "s"}
FALLING = frozenset({PAIN, DISABILITY, UP_AND_GO})
"""What gets better by falling."""

_WHITE, _SLOW, _RHO, _LOG_NOISE = 0.64, 0.8, 0.4, 0.10
_DISABILITY_NOISE, _SPEED_NOISE = 4.5, 0.05
"""As the measures' files have it."""
_MISSING, _TYPO = 0.15, 0.01
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Taken:
    """A reading as first written down, and what it should have said if it was a typo."""

    reading: Reading
    meant: Reading | None = None


def measures_of(patient: Patient) -> tuple[str, ...]:
    """What is read of this patient."""
    if patient.finding == "stroke-gait":
        return SPEED, UP_AND_GO
    return {"foot-drop": (PAIN, STRENGTH), "low-back-pain": (PAIN, DISABILITY)}.get(patient.finding, (PAIN,))


def truth(patient: Patient, measure: str, held: int) -> float:
    """What a measure would read without any noise after `held` sessions."""
    match measure:
        case "pain-nrs":
            return patient.true_pain(held)
        case "dorsiflexor-strength":
            return patient.true_strength(held)
        case "oswestry":
            return patient.disability * (1 - patient.eased(held))
        case "walk-10m":
            return patient.speed * (1 + patient.eased(held))
        case _:
            return patient.up_and_go * (1 - patient.eased(held) / 2)


def readings(patient: Patient, occasion: int, held: int, at: datetime, *, always: bool = False) -> list[Taken]:
    """What is written down on one occasion (counted from 0) after `held` sessions.

    `always` leaves none out, as at a consultation.
    """
    taken = measures_of(patient)
    return [
        _taken(patient, measure, occasion, held, at)
        for measure in taken
        if always or not happens(_MISSING, patient.seed, patient.index, "missing", measure, occasion)
    ]


def _taken(patient: Patient, measure: str, occasion: int, held: int, at: datetime) -> Taken:
    right = _reading(patient, measure, occasion, at, _noisy(patient, measure, occasion, held))
    if not happens(_TYPO, patient.seed, patient.index, "typo", measure, occasion):
        return Taken(right)
    wrong = (right.value + 5) % 11 if measure == PAIN else round(right.value / 2, 2)
    return Taken(right.model_copy(update={"value": float(wrong)}), meant=right)


def _reading(patient: Patient, measure: str, occasion: int, at: datetime, value: float) -> Reading:
    return Reading(
        measurement_id=f"me-{patient.seed}-{patient.index:03}-{measure}-{occasion:03}",
        measure=measure,
        value=value,
        unit=UNITS[measure],
        effective_at=at,
        side=patient.side if measure == STRENGTH else None,
        device="dyn-1" if measure == STRENGTH else None,
    )


def _noisy(patient: Patient, measure: str, occasion: int, held: int) -> float:
    if measure == PAIN:
        return float(min(10, max(0, round(patient.true_pain(held) + _pain_noise(patient)[occasion]))))
    noise, value = generator(patient.seed, patient.index, "noise", measure, occasion), truth(patient, measure, held)
    if measure == DISABILITY:
        return float(min(100, max(0, 2 * round((value + noise.gauss(0, _DISABILITY_NOISE)) / 2))))
    if measure == SPEED:
        return round(value + noise.gauss(0, _SPEED_NOISE), 2)
    return round(value * exp(noise.gauss(0, _LOG_NOISE)), 1)


@cache
def _pain_noise(patient: Patient) -> tuple[float, ...]:
    """The noise of each occasion in turn: part of it lasts from one to the next."""
    chance = generator(patient.seed, patient.index, "noise", PAIN)
    slow, series = chance.gauss(0, _SLOW), list[float]()
    for _ in range(_LONGEST):
        series.append(chance.gauss(0, _WHITE) + slow)
        slow = _RHO * slow + sqrt(1 - _RHO**2) * chance.gauss(0, _SLOW)
    return tuple(series)
