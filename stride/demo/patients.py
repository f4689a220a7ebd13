"""Who comes to the simulated clinic, and how each of them truly fares (which Stride never sees)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from math import exp
from typing import Literal
from zoneinfo import ZoneInfo

from shared.events.clinical import PreferredTime, Side, Weekday
from stride.demo.draws import generator, one_of

Response = Literal["full", "half", "none", "relapse"]
"""True course: pain falls to a quarter to a third, to four fifths, not at all, or falls and comes back."""

Severity = Literal["mild", "moderate", "severe"]

Finding = Literal["foot-drop", "low-back-pain", "contraindicated", "unknown-condition"]

RELAPSE_AFTER_SESSIONS = 11
_RESPONSES: Sequence[tuple[Response, float]] = (("full", 0.5), ("half", 0.15), ("none", 0.2), ("relapse", 0.15))
_SEVERITIES: Sequence[tuple[Severity, float]] = (("mild", 0.2), ("moderate", 0.6), ("severe", 0.2))
_GIVEN = ("Alma", "Bram", "Carla", "Dilip", "Edda", "Femi", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Luca")
_FAMILY = ("Abara", "Bianchi", "Costa", "Dahl", "Endo", "Fischer", "Gupta", "Hansen", "Ito", "Jensen", "Klein")
_ZONES = {"riverside": ZoneInfo("Europe/London"), "hillcrest": ZoneInfo("America/New_York")}


@dataclass(frozen=True, slots=True)
class Patient:
    """One simulated patient. Pain is in NRS points (0-10), strength in newton, at the true baseline."""

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


def enrol(seed: int, count: int, start: datetime, days: int) -> list[Patient]:
    """`count` patients whose consultations fall on working days in the first third of `days`."""
    return [_patient(seed, index, count, start, days) for index in range(count)]


def _patient(seed: int, index: int, count: int, start: datetime, days: int) -> Patient:
    chance = generator(seed, index, "patient")
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
