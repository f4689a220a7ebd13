"""The clinic that is simulated, and the plans that come to it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from math import exp
from random import Random
from zoneinfo import ZoneInfo

from benchmarks.scheduling.instances import FOOT_DROP, plan_of
from services.scheduling.domain.calendar import ClinicCalendar, Resource, Rule
from shared.events.clinical import Phase
from shared.events.intake import PlanCreated

OPENS = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday."""
WEEK = timedelta(days=7)
OPEN_MINUTES_A_WEEK = 5 * 4 * 10 * 60
"""Of the practitioners together."""
_CLINIC, _SKILL, _KIND = "simulated", "acupuncture", "treatment"
_FROM, _TO = time(8), time(18)
_BACK = (
    Phase(name="steady", sessions_per_week=2, weeks=2, min_gap_days=2, max_gap_days=5),
    Phase(name="weekly", sessions_per_week=1, weeks=3, min_gap_days=5, max_gap_days=9),
)
_WEEKDAYS = range(5)


@dataclass(frozen=True, slots=True)
class Setting:
    """What happens to the clinic, whoever books. Shares are fractions of 1."""

    arrivals: float = 14
    """New plans a week, on average; as a Poisson stream over the working hours."""
    warm_up: int = 8
    """Weeks before anything is measured: the clinic opens empty."""
    weeks: int = 30
    """Weeks in all, the warm-up among them."""
    cancelled: float = 0.12
    """Of appointments, on the working day before."""
    missed: float = 0.08
    """Of those that were not cancelled."""
    accepted: float = 0.35
    """Of offers."""

    def with_arrivals(self, arrivals: float) -> "Setting":
        """The same with so many new plans a week."""
        return replace(self, arrivals=arrivals)


def calendar() -> ClinicCalendar:
    """Five practitioners, each there on four days of the week, and four rooms: 20 days of 10 hours a week."""
    practitioners = [
        Resource(number, "practitioner", f"pr-{number}", frozenset({_SKILL}), _hours(off=number - 1))
        for number in range(1, 6)
    ]
    rooms = [Resource(10 + number, "room", f"room-{number}", frozenset({_KIND}), _hours()) for number in range(1, 5)]
    return ClinicCalendar(
        clinic_id=_CLINIC,
        zone=ZoneInfo("UTC"),
        slot_minutes=15,
        buffer_minutes=15,
        horizon_days=400,
        resources={resource.id: resource for resource in (*practitioners, *rooms)},
    )


def plans(setting: Setting, seed: int) -> Iterator[tuple[datetime, PlanCreated]]:
    """The plans that come, with the instants at which they come."""
    chance = Random(f"arrivals {seed}")
    for day in range(setting.weeks * 7):
        opening = OPENS + timedelta(days=day)
        if opening.weekday() in _WEEKDAYS:
            for at in sorted(chance.uniform(9, 17) for _ in range(_poisson(chance, setting.arrivals / len(_WEEKDAYS)))):
                came = opening + timedelta(minutes=int(at * 60))
                yield came, _plan(chance, f"p{came:%m%d%H%M}-{chance.randrange(10**6)}", came)


def _plan(chance: Random, patient: str, came: datetime) -> PlanCreated:
    phases = chance.choice((FOOT_DROP, _BACK))
    return plan_of(patient, clinic=_CLINIC, starts_on=came.date() + timedelta(days=1), phases=phases)


def _hours(off: int | None = None) -> tuple[Rule, ...]:
    return tuple(Rule(day, _FROM, _TO) for day in _WEEKDAYS if day != off)


def _poisson(chance: Random, mean: float) -> int:
    count, product, least = 0, chance.random(), exp(-mean)
    while product > least:
        count, product = count + 1, product * chance.random()
    return count
