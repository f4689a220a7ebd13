"""Who comes to the simulated clinic, and how each of them truly fares (which Stride never sees)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from math import exp
from typing import Literal
from zoneinfo import ZoneInfo

from shared.events.clinical import PreferredTime, Side, Weekday
from stride.demo.draws import generator, one_of

Response = Literal["full", "half", "none", "relapse"]
"""True course: pain falls to a quarter to a third, to four fifths, not at all, or falls and comes back."""

Severity = Literal["mild", "moderate", "severe"]

Finding = Literal["foot-drop", "low-back-pain", "stroke-gait", "contraindicated", "unknown-condition"]

TREATED: Mapping[str, Finding] = {
    "foot-drop-acupuncture": "foot-drop",
    "low-back-pain-acupuncture": "low-back-pain",
    "stroke-gait-physical-therapy": "stroke-gait",
}
"""Of whom all patients are who come for one protocol."""

RELAPSE_AFTER_SESSIONS = 11
_RESPONSES: Sequence[tuple[Response, float]] = (("full", 0.5), ("half", 0.15), ("none", 0.2), ("relapse", 0.15))
_SEVERITIES: Sequence[tuple[Severity, float]] = (("mild", 0.2), ("moderate", 0.6), ("severe", 0.2))
_GIVEN = ("Alma", "Bram", "Carla", "Dilip", "Edda", "Femi", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Luca")
_FAMILY = ("Abara", "Bianchi", "Costa", "Dahl", "Endo", "Fischer", "Gupta", "Hansen", "Ito", "Jensen", "Klein")
_ZONES = {"riverside": ZoneInfo("Europe/London"), "hillcrest": ZoneInfo("America/New_York")}


@dataclass(frozen=True, slots=True)
class Patient:
    """One simulated patient. Pain is in NRS points (0-10), strength in newton, disability in percent (Oswestry),
    walking speed in m/s and Timed Up and Go in seconds, each at the true baseline."""

    seed: int
    index: int
    clinic_id: str
    finding: Finding
    response: Response
    side: Side
    consulted_at: datetime
    name: str
    pain: float
    strength: float
    final_share: float
    """Share of the baseline pain that a full course leaves."""
    pace: float
    """Sessions after which the way to the final share is covered by 63%."""
    by_fhir: bool
    severity: Severity
    preferred_times: tuple[PreferredTime, ...] = ()
    age_years: int = 60
    disability: float = 40.0
    speed: float = 0.5
    up_and_go: float = 25.0

    @property
    def patient_id(self) -> str:
        return f"pt-{self.seed}-{self.index:03}"

    @property
    def consultation_id(self) -> str:
        return f"co-{self.seed}-{self.index:03}"

    @property
    def email(self) -> str:
        return f"{self.patient_id}@patients.example"

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the patient's clinic."""
        return _ZONES[self.clinic_id]

    @property
    def condition(self) -> str:
        """ICD-10-CM code of the finding."""
        if self.finding == "low-back-pain":
            return "M54.50"
        if self.finding == "unknown-condition":
            return "H93.11"
        if self.finding == "stroke-gait":
            return "I69.351" if self.side is Side.RIGHT else "I69.352"
        return "M21.371" if self.side is Side.RIGHT else "M21.372"

    @property
    def contraindications(self) -> tuple[str, ...]:
        return ("severe-bleeding-disorder",) if self.finding == "contraindicated" else ()

    def true_pain(self, held: int) -> float:
        """Pain without any noise after `held` sessions."""
        eased = self.pain * (self.final_share + (1 - self.final_share) * exp(-held / self.pace))
        if self.response != "relapse" or held <= RELAPSE_AFTER_SESSIONS:
            return eased
        return min(10.0, eased + 1.2 * (held - RELAPSE_AFTER_SESSIONS), self.pain + 1)

    def true_strength(self, held: int) -> float:
        """Strength without any noise after `held` sessions; it gains as pain eases."""
        gain = {"full": 0.6, "half": 0.1, "none": 0.0, "relapse": 0.3}[self.response]
        return self.strength * (1 + gain * (1 - exp(-held / self.pace)))

    def eased(self, held: int) -> float:
        """The share of the complaint that is gone after `held` sessions."""
        return 1 - self.true_pain(held) / self.pain


def enrol(seed: int, count: int, start: datetime, days: int, protocol: str = "") -> list[Patient]:
    """`count` patients whose consultations fall on working days in the first third of `days`.

    All of them for one protocol, where it is given; else of every kind.
    """
    patients = [_patient(seed, index, count, start, days) for index in range(count)]
    return [replace(each, finding=TREATED[protocol]) for each in patients] if protocol else patients


def _patient(seed: int, index: int, count: int, start: datetime, days: int) -> Patient:
    chance, more = generator(seed, index, "patient"), generator(seed, index, "patient-more")
    clinic_id = "hillcrest" if index % 3 == 2 else "riverside"  # noqa: PLR2004  # every third one
    response = one_of(_RESPONSES, seed, index, "response")
    return Patient(
        seed=seed,
        index=index,
        clinic_id=clinic_id,
        finding=_finding(index),
        response=response,
        side=chance.choice((Side.LEFT, Side.RIGHT)),
        consulted_at=_consultation(_ZONES[clinic_id], start, index * (days // 3) // count, chance.randrange(8)),
        name=f"{chance.choice(_GIVEN)} {chance.choice(_FAMILY)}",
        pain=chance.uniform(5.0, 7.5),
        strength=chance.uniform(45.0, 90.0),
        final_share={"full": 0.2, "half": 0.8, "none": 1.0, "relapse": 0.25}[response] + chance.uniform(-0.03, 0.03),
        pace=chance.uniform(2.5, 4.0),
        by_fhir=index % 3 == 1,
        severity=one_of(_SEVERITIES, seed, index, "severity"),
        preferred_times=_preferences(chance.random(), chance.choice(list(Weekday)[:5])),
        age_years=chance.randrange(28, 84),
        disability=more.uniform(30, 50),
        speed=more.uniform(0.4, 0.65),
        up_and_go=more.uniform(18, 30),
    )


def _finding(index: int) -> Finding:
    """By index and not by chance, so that a small demo too has one of each."""
    special: dict[int, Finding] = {5: "contraindicated", 9: "unknown-condition"}
    return special.get(index % 15, "low-back-pain" if index % 5 == 3 else "foot-drop")  # noqa: PLR2004  # a fifth


def _consultation(zone: ZoneInfo, start: datetime, day: int, slot: int) -> datetime:
    """A consultation's end, between 09:30 and 13:00 local time, on the first working day from `day` on."""
    date = start.astimezone(zone).date() + timedelta(days=day)
    while date.weekday() >= 5:  # noqa: PLR2004  # Saturday
        date += timedelta(days=1)
    return datetime.combine(date, time(9, 30), zone) + timedelta(minutes=30 * slot)


def _preferences(chance: float, weekday: Weekday) -> tuple[PreferredTime, ...]:
    if chance > 0.3:  # noqa: PLR2004  # most take what there is
        return ()
    return (PreferredTime(weekday=weekday, start=time(9, 0), end=time(12, 0)),)
